#include "client/cpp/subscription_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/proto_time.h"
#include "client/cpp/status.h"
#include "client/cpp/wire.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// Of a server that does not say how long it may be silent.
constexpr absl::Duration kSilenceDefault = absl::Seconds(45);
// So many missed heartbeats mean a dead stream.
constexpr int kHeartbeatsMissed = 3;
// Of scratch_, to be kept from batch to batch.
constexpr size_t kScratchBytes = 64 << 10;

thread_local bool in_shared_callback = false;

absl::Status NoFrame() { return absl::DataLossError("the server sent what is no frame of a subscription"); }

}  // namespace

InSharedCallback::InSharedCallback() : before_(std::exchange(in_shared_callback, true)) {}

InSharedCallback::~InSharedCallback() { in_shared_callback = before_; }

bool InSharedCallback::Now() { return in_shared_callback; }

absl::Status InSharedCallback::CheckMayWait() {
  if (!in_shared_callback) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a callback of a subscription with brief_callbacks or a shared thread must not wait, as Subscribe() does; call "
      "it "
      "on another thread, or leave these off");
}

SubscriptionCore::SubscriptionCore(std::shared_ptr<Session> session, SubscribeOptions options,
                                   SubscriptionHandler handler)
    : session_(std::move(session)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      backoff_(session_->options().backoff) {}

absl::Status SubscriptionCore::WaitUntilLive() {
  MutexLock lock(&mu_);
  while (!was_live_ && !ended_) changed_.Wait(&mu_);
  if (was_live_) return absl::OkStatus();
  return end_.ok() ? absl::CancelledError("the client has disconnected") : end_;
}

void SubscriptionCore::WaitUntilOver() {
  MutexLock lock(&mu_);
  while (!ended_) changed_.Wait(&mu_);
}

absl::Status SubscriptionCore::Wait(absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  MutexLock lock(&mu_);
  while (!ended_) {
    if (deadline.IsOver()) return absl::DeadlineExceededError("the subscription is still alive");
    changed_.WaitWithTimeout(&mu_, deadline.Left());
  }
  return end_;
}

std::string SubscriptionCore::id() const {
  MutexLock lock(&mu_);
  return id_;
}

std::vector<v1::QueuePosition> SubscriptionCore::positions() const { return positions_.List(); }

SubscriptionCounts SubscriptionCore::counts() const {
  return {.messages = messages_, .gaps = gaps_, .missed = missed_, .reconnects = reconnects_};
}

void SubscriptionCore::End(absl::Status status) {
  if (stopped_) status = absl::OkStatus();
  ReportState(SubscriptionState::kEnded, status);
  MutexLock lock(&mu_);
  end_ = std::move(status);
  ended_ = true;
  changed_.SignalAll();
}

std::optional<absl::Duration> SubscriptionCore::NextAttempt(bool had_session, const absl::Status& status,
                                                            const Attempt& attempt) {
  if (attempt.live) renewed_ = false;
  // A session, or a token, that is lost again and again, without a live stream between, is no accident.
  if (had_session && IsRenewable(status) && !std::exchange(renewed_, true)) {
    ReportReconnecting(status);
    return absl::ZeroDuration();
  }
  if (!IsPassing(status)) return std::nullopt;
  if (attempt.lived > session_->options().backoff.max) backoff_.Reset();
  absl::Duration delay = attempt.left ? absl::ZeroDuration() : std::max(backoff_.Next(), RetryDelay(status));
  if (!WasLive()) {
    if (give_up_first_at_.IsOver()) return std::nullopt;
    delay = std::min(delay, give_up_first_at_.Left());
  }
  ReportReconnecting(status);
  return delay;
}

absl::Duration SubscriptionCore::SilenceOf(const Attempt& attempt) const {
  return attempt.live ? attempt.silence : options_.ready_timeout;
}

absl::Status SubscriptionCore::Silent(const Attempt& attempt, absl::Duration silence) {
  return absl::UnavailableError(
      absl::StrCat(attempt.live ? "nothing came for " : "no answer for ", absl::FormatDuration(silence)));
}

absl::Status SubscriptionCore::Left() {
  return Unavailable("DRAINING", "the server asked the stream to leave", absl::ZeroDuration());
}

absl::Status SubscriptionCore::OnFrame(grpc::ByteBuffer* bytes, Attempt* attempt) {
  {
    BatchReader batch(bytes, &scratch_);
    if (batch.is_batch()) return OnBatch(&batch);
  }
  return OnOtherFrame(bytes, attempt);
}

absl::Status SubscriptionCore::OnOtherFrame(grpc::ByteBuffer* bytes, Attempt* attempt) {
  v1::SubscribeResponse frame;
  if (!Decode(bytes, &frame)) return NoFrame();
  switch (frame.frame_case()) {
    case v1::SubscribeResponse::kReady:
      OnReady(frame.ready(), attempt);
      break;
    case v1::SubscribeResponse::kBatch:
      for (const Message& message : frame.batch().messages()) OnMessage(message);
      break;
    case v1::SubscribeResponse::kGap:
      OnGap(frame.gap());
      break;
    case v1::SubscribeResponse::kHeartbeat:
      OnHeartbeat(frame.heartbeat());
      break;
    case v1::SubscribeResponse::kDrain:
      attempt->leave_at = Deadline::In(ToDuration(frame.drain().jitter()) * RandomFraction());
      break;
    case v1::SubscribeResponse::FRAME_NOT_SET:
      break;
  }
  return absl::OkStatus();
}

v1::SubscribeRequest SubscriptionCore::MakeRequest(const std::string& session) const {
  v1::SubscribeRequest request;
  request.set_session(session);
  for (const EventPattern& pattern : options_.patterns) {
    v1::Pattern* added = request.add_patterns();
    added->set_queue(pattern.queue);
    added->set_event(pattern.event);
  }
  for (const HeaderFilter& header : options_.headers) {
    v1::HeaderFilter* added = request.add_headers();
    added->set_name(header.name);
    if (header.value.has_value()) added->set_value(*header.value);
  }
  request.set_overflow(options_.overflow);
  request.set_overflow_messages(options_.overflow_messages);
  if (options_.group.has_value()) *request.mutable_group() = *options_.group;
  MutexLock lock(&mu_);
  if (!was_live_) {
    request.mutable_rooms()->Add(options_.rooms.begin(), options_.rooms.end());
    *request.mutable_start() = options_.start;
    return request;
  }
  // Only rooms that nobody left since.
  const std::vector<std::string> rooms = session_->rooms();
  for (const std::string& room : options_.rooms) {
    if (std::binary_search(rooms.begin(), rooms.end(), room)) request.add_rooms(room);
  }
  // A group knows by itself how far it is.
  if (!options_.group.has_value()) *request.mutable_start() = positions_.Resume();
  return request;
}

void SubscriptionCore::OnReady(const v1::Ready& ready, Attempt* attempt) {
  const absl::Duration heartbeat = ToDuration(ready.heartbeat());
  attempt->silence = heartbeat > absl::ZeroDuration() ? kHeartbeatsMissed * heartbeat : kSilenceDefault;
  if (!std::exchange(attempt->live, true)) session_->AddLiveStream();
  const google::protobuf::RepeatedPtrField<std::string> rooms(options_.rooms.begin(), options_.rooms.end());
  bool first;
  {
    MutexLock lock(&mu_);
    first = !was_live_;
    if (first) {
      positions_.OnFirstReady(ready, options_.start);
    } else {
      positions_.OnResumedReady(ready);
    }
    id_ = ready.subscription_id();
    was_live_ = true;
    changed_.SignalAll();
  }
  if (first) {
    session_->AddRooms(rooms);
  } else {
    ++reconnects_;
  }
  reconnecting_ = false;
  ReportState(SubscriptionState::kConnected, absl::OkStatus());
}

absl::Status SubscriptionCore::OnBatch(BatchReader* batch) {
  absl::Status status;
  absl::string_view bytes;
  BatchReader::Step step = batch->Next(&bytes);
  for (; step == BatchReader::Step::kMessage && !stopped_; step = batch->Next(&bytes)) {
    const Message* const message = decoder_.Decode(bytes);
    if (message == nullptr) {
      step = BatchReader::Step::kBroken;
      break;
    }
    OnMessage(*message);
  }
  decoder_.Shrink();
  if (scratch_.capacity() > kScratchBytes) std::string().swap(scratch_);
  return step == BatchReader::Step::kBroken ? NoFrame() : absl::OkStatus();
}

void SubscriptionCore::OnMessage(const Message& message) {
  if (stopped_) return;
  // What a group delivers may come again, and in any order.
  if (!options_.group.has_value()) {
    const Positions::Arrival arrival =
        positions_.OnPosition(message.queue(), message.epoch(), message.sequence(), &lost_);
    if (arrival == Positions::Arrival::kKnown) return;
    if (arrival == Positions::Arrival::kNewEpoch) ReportGap(lost_);
  }
  // Only this thread counts.
  messages_.store(messages_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (handler_.on_message) handler_.on_message(message);
}

void SubscriptionCore::OnGap(const Gap& gap) {
  if (options_.group.has_value() || positions_.OnGap(gap)) ReportGap(gap);
}

void SubscriptionCore::OnHeartbeat(const v1::Heartbeat& heartbeat) {
  for (const v1::QueuePosition& position : heartbeat.positions()) {
    const Positions::Arrival arrival =
        positions_.OnPosition(position.queue(), position.epoch(), position.sequence(), &lost_);
    if (arrival == Positions::Arrival::kNewEpoch) ReportGap(lost_);
  }
}

void SubscriptionCore::ReportGap(const Gap& gap) {
  ++gaps_;
  missed_ += gap.count();
  if (handler_.on_gap && !stopped_) handler_.on_gap(gap);
}

void SubscriptionCore::ReportReconnecting(const absl::Status& status) {
  if (WasLive() && !std::exchange(reconnecting_, true)) ReportState(SubscriptionState::kReconnecting, status);
}

bool SubscriptionCore::WasLive() const {
  MutexLock lock(&mu_);
  return was_live_;
}

void SubscriptionCore::ReportState(SubscriptionState state, const absl::Status& status) {
  if (handler_.on_state) handler_.on_state(state, status);
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
