#include "client/cpp/subscription_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
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

// This thread polls, and is in a callback of whichever subscription.
thread_local bool in_brief_callback = false;

absl::Status NoFrame() { return absl::DataLossError("the server sent what is no frame of a subscription"); }

}  // namespace

SubscriptionLoop::SubscriptionLoop(std::shared_ptr<Session> session, SubscribeOptions options,
                                   SubscriptionHandler handler)
    : session_(std::move(session)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      backoff_(session_->options().backoff) {}

absl::Status SubscriptionLoop::Start() {
  if (in_brief_callback) {
    return absl::FailedPreconditionError(
        "a callback of a subscription with brief_callbacks must not wait, as Subscribe() does; call it on another "
        "thread, "
        "or leave brief_callbacks off");
  }
  give_up_first_at_ = Deadline::In(session_->options().wait_for_server);
  thread_ = std::thread([self = shared_from_this()] { self->Run(); });
  MutexLock lock(&mu_);
  while (!was_live_ && !ended_) changed_.Wait(&mu_);
  if (was_live_) return absl::OkStatus();
  return end_.ok() ? absl::CancelledError("the client has disconnected") : end_;
}

void SubscriptionLoop::Stop() {
  stopped_ = true;
  {
    MutexLock lock(&mu_);
    if (stream_ != nullptr) stream_->Cancel();
  }
  session_->Wake();
}

void SubscriptionLoop::Join() {
  if (!thread_.joinable()) return;
  if (std::this_thread::get_id() == thread_.get_id() || in_brief_callback) {
    // A callback destroys its own subscription, or nobody polls while it waits. The thread owns this object until it is
    // through.
    thread_.detach();
  } else {
    thread_.join();
  }
}

absl::Status SubscriptionLoop::Wait(absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  MutexLock lock(&mu_);
  while (!ended_) {
    if (deadline.IsOver()) return absl::DeadlineExceededError("the subscription is still alive");
    changed_.WaitWithTimeout(&mu_, deadline.Left());
  }
  return end_;
}

std::string SubscriptionLoop::id() const {
  MutexLock lock(&mu_);
  return id_;
}

std::vector<v1::QueuePosition> SubscriptionLoop::positions() const { return positions_.List(); }

SubscriptionCounts SubscriptionLoop::counts() const {
  return {.messages = messages_, .gaps = gaps_, .missed = missed_, .reconnects = reconnects_};
}

void SubscriptionLoop::Run() {
  absl::Status end = RunUntilEnd();
  if (stopped_) end = absl::OkStatus();
  ReportState(SubscriptionState::kEnded, end);
  MutexLock lock(&mu_);
  end_ = std::move(end);
  ended_ = true;
  changed_.SignalAll();
}

absl::Status SubscriptionLoop::RunUntilEnd() {
  // The first one connects if nobody has; the later ones always ask whether the session still stands.
  absl::StatusOr<Session::Handle> handle = session_->Ensure(Deadline::Never(), &stopped_);
  if (!handle.ok()) return handle.status();
  bool renewed = false;
  while (!stopped_) {
    Attempt attempt;
    absl::Status status;
    if (handle.ok()) {
      status = RunStream(handle->session, &attempt);
    } else {
      status = handle.status();
    }
    if (stopped_) break;
    if (attempt.live) renewed = false;
    const bool lost = handle.ok() && IsSessionLost(status);
    // A session that is lost again and again, without a live stream between, is no accident.
    if (lost && !std::exchange(renewed, true)) {
      ReportReconnecting(status);
    } else if (!WaitToRetry(status, attempt)) {
      return status;
    }
    const uint64_t seen = handle.ok() ? handle->generation : 0;
    generation_ = std::max(generation_, seen);
    handle = session_->Renew(generation_, Deadline::Never(), &stopped_);
  }
  return absl::OkStatus();
}

bool SubscriptionLoop::WaitToRetry(const absl::Status& status, const Attempt& attempt) {
  if (!IsPassing(status)) return false;
  if (attempt.lived > session_->options().backoff.max) backoff_.Reset();
  absl::Duration delay = attempt.left ? absl::ZeroDuration() : std::max(backoff_.Next(), RetryDelay(status));
  if (!WasLive()) {
    if (give_up_first_at_.IsOver()) return false;
    delay = std::min(delay, give_up_first_at_.Left());
  }
  ReportReconnecting(status);
  session_->Sleep(delay, &stopped_);
  return true;
}

absl::Status SubscriptionLoop::RunStream(const std::string& session, Attempt* attempt) {
  SubscribeStream stream(receiver_.get(),
                         options_.brief_callbacks
                             ? [this, &stream](grpc::ByteBuffer* bytes) { return TakeBatch(bytes, &stream); }
                             : SubscribeStream::Taker());
  {
    MutexLock lock(&mu_);
    stream_ = &stream;
  }
  absl::Status status;
  const absl::Duration start = RealClock().Monotonic();
  if (!stopped_) {
    stream.Start(session_->channel(), MakeRequest(session));
    status = ReadFrames(&stream, attempt);
  }
  {
    MutexLock lock(&mu_);
    stream_ = nullptr;
  }
  if (attempt->live) {
    session_->RemoveLiveStream();
    attempt->lived = RealClock().Monotonic() - start;
  }
  return status;
}

absl::Status SubscriptionLoop::ReadFrames(SubscribeStream* stream, Attempt* attempt) {
  while (true) {
    const absl::Duration silence = attempt->live ? attempt->silence : options_.ready_timeout;
    const SubscribeStream::Result result = stream->Read(silence, attempt->leave_at);
    if (result != SubscribeStream::Result::kFrame || !taken_.ok()) {
      const bool leave = attempt->leave_at.IsOver();
      absl::Status status = stream->Finish();
      if (!taken_.ok()) return taken_;
      if (result == SubscribeStream::Result::kEnded) return status;
      if (leave) {
        attempt->left = true;
        return Unavailable("DRAINING", "the server asked the stream to leave", absl::ZeroDuration());
      }
      return absl::UnavailableError(
          absl::StrCat(attempt->live ? "nothing came for " : "no answer for ", absl::FormatDuration(silence)));
    }
    absl::Status status = OnFrame(stream->frame(), attempt);
    if (stopped_ || !status.ok()) {
      stream->Finish().IgnoreError();
      return stopped_ ? absl::OkStatus() : status;
    }
  }
}

bool SubscriptionLoop::TakeBatch(grpc::ByteBuffer* bytes, SubscribeStream* stream) {
  BatchReader batch(bytes, &scratch_);
  if (!batch.is_batch() || !taken_.ok()) return false;
  in_brief_callback = true;
  taken_ = OnBatch(&batch);
  in_brief_callback = false;
  if (!taken_.ok()) stream->Cancel();
  return true;
}

absl::Status SubscriptionLoop::OnFrame(grpc::ByteBuffer* bytes, Attempt* attempt) {
  {
    BatchReader batch(bytes, &scratch_);
    if (batch.is_batch()) return OnBatch(&batch);
  }
  return OnOtherFrame(bytes, attempt);
}

absl::Status SubscriptionLoop::OnOtherFrame(grpc::ByteBuffer* bytes, Attempt* attempt) {
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

v1::SubscribeRequest SubscriptionLoop::MakeRequest(const std::string& session) const {
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

void SubscriptionLoop::OnReady(const v1::Ready& ready, Attempt* attempt) {
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

absl::Status SubscriptionLoop::OnBatch(BatchReader* batch) {
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

void SubscriptionLoop::OnMessage(const Message& message) {
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

void SubscriptionLoop::OnGap(const Gap& gap) {
  if (options_.group.has_value() || positions_.OnGap(gap)) ReportGap(gap);
}

void SubscriptionLoop::OnHeartbeat(const v1::Heartbeat& heartbeat) {
  for (const v1::QueuePosition& position : heartbeat.positions()) {
    const Positions::Arrival arrival =
        positions_.OnPosition(position.queue(), position.epoch(), position.sequence(), &lost_);
    if (arrival == Positions::Arrival::kNewEpoch) ReportGap(lost_);
  }
}

void SubscriptionLoop::ReportGap(const Gap& gap) {
  ++gaps_;
  missed_ += gap.count();
  if (handler_.on_gap && !stopped_) handler_.on_gap(gap);
}

void SubscriptionLoop::ReportReconnecting(const absl::Status& status) {
  if (WasLive() && !std::exchange(reconnecting_, true)) ReportState(SubscriptionState::kReconnecting, status);
}

bool SubscriptionLoop::WasLive() const {
  MutexLock lock(&mu_);
  return was_live_;
}

void SubscriptionLoop::ReportState(SubscriptionState state, const absl::Status& status) {
  if (handler_.on_state) handler_.on_state(state, status);
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
