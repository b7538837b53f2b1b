#include "client/cpp/publisher_loop.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "client/cpp/backoff.h"
#include "client/cpp/publish_results.h"
#include "client/cpp/status.h"
#include "client/cpp/wire.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

enum Tag : intptr_t { kStart = 1, kRead, kWrite, kWake, kFinish };

void* ToPointer(Tag tag) { return reinterpret_cast<void*>(tag); }

constexpr char kPublishStream[] = "/nmq.v1.MessageQueue/PublishStream";

// Memory that a new batch takes at once, at the most.
constexpr size_t kExpectedBytesMax = 64 << 10;
// The rest of a batch.
constexpr size_t kBatchOverhead = 1024;
// A batch waits for others for this part of the last answer's time at the most.
constexpr int kGatherPart = 4;

absl::Status Ended() { return absl::CancelledError("the publisher has ended"); }

}  // namespace

PublisherLoop::PublisherLoop(std::shared_ptr<Session> session, PublisherOptions options)
    : session_(std::move(session)),
      options_(std::move(options)),
      max_messages_(std::max<size_t>(1, options_.max_batch_messages)),
      max_bytes_(std::max<size_t>(1, options_.max_batch_bytes)),
      gathering_(std::make_unique<Batch>(0)) {}

void PublisherLoop::Start() {
  thread_ = std::thread([self = shared_from_this()] { self->Run(); });
}

void PublisherLoop::Stop() {
  stopped_ = true;
  {
    MutexLock lock(&mu_);
    if (stream_ != nullptr) stream_->context.TryCancel();
    changed_.SignalAll();
  }
  session_->Wake();
}

void PublisherLoop::Join() {
  if (!thread_.joinable()) return;
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

absl::Status PublisherLoop::Add(const Message& message, PublishCallback done) {
  const size_t message_bytes = message.ByteSizeLong();
  const size_t bytes = EncodedMessages::EntryBytes(message_bytes);
  MutexLock lock(&mu_);
  while (true) {
    absl::Status closed = Closed();
    if (!closed.ok()) return closed;
    if (Fits(bytes)) break;
    ++pressing_;
    Pump();
    if (!Fits(bytes)) changed_.Wait(&mu_);
    --pressing_;
  }
  if (gathering_->messages.empty()) {
    gathering_->first_message = messages_;
    // The thread may wait for something to do.
    if (stream_ == nullptr) changed_.SignalAll();
  }
  ++messages_;
  if (done) gathering_->askers.push_back({.index = gathering_->messages.count(), .done = std::move(done)});
  gathering_->messages.Add(message, message_bytes);
  if (MoreMayCome()) {
    PumpSoon();
  } else {
    Pump();
  }
  return absl::OkStatus();
}

FlushResult PublisherLoop::Flush(absl::Duration timeout) {
  const Deadline deadline = Deadline::In(timeout);
  MutexLock lock(&mu_);
  const uint64_t added = messages_;
  ++pressing_;
  Pump();
  while (!AreSettled(added) && !deadline.IsOver()) changed_.WaitWithTimeout(&mu_, deadline.Left());
  --pressing_;
  FlushResult result = std::exchange(since_flush_, {});
  if (!AreSettled(added) && result.status.ok()) {
    result.status = absl::DeadlineExceededError("some messages are not answered yet");
  }
  return result;
}

void PublisherLoop::Run() {
  while (AwaitWork()) {
    absl::Status status = OpenAndRun();
    if (status.ok() || stopped_) continue;
    if (IsFinal(status)) {
      MutexLock lock(&mu_);
      refused_ = status;
    }
    RefuseUnsent(status);
  }
  RefuseUnsent(Ended());
}

bool PublisherLoop::AwaitWork() {
  MutexLock lock(&mu_);
  while (!stopped_ && !HasUnsent()) changed_.Wait(&mu_);
  return !stopped_;
}

absl::Status PublisherLoop::OpenAndRun() {
  Backoff backoff(session_->options().backoff);
  Deadline give_up_at = Deadline::In(options_.give_up_after);
  Session::Handle handle;
  bool renew = false;
  int lost_in_row = 0;
  while (!stopped_) {
    absl::Status status = Connect(renew, &handle);
    StreamEnd end;
    if (status.ok()) {
      end = RunStream(handle);
      status = end.status;
      SettleInFlight(status);
    }
    renew = true;
    if (end.answers > 0) {
      give_up_at = Deadline::In(options_.give_up_after);
      backoff.Reset();
      lost_in_row = 0;
    }
    {
      MutexLock lock(&mu_);
      if (!HasUnsent()) return absl::OkStatus();
    }
    if (end.session_lost || IsRenewable(status)) {
      if (++lost_in_row == 1) continue;
      return status;
    }
    if (IsFinal(status)) return status;
    const absl::Duration delay = std::max(backoff.Next(), RetryDelay(status));
    if (give_up_at.IsOver()) return status;
    session_->Sleep(std::min(delay, give_up_at.Left()), &stopped_);
  }
  return absl::OkStatus();
}

absl::Status PublisherLoop::Connect(bool renew, Session::Handle* handle) {
  if (!session_->options().publish_with_session) {
    if (renew) session_->TryConnection(&stopped_);
    return absl::OkStatus();
  }
  absl::StatusOr<Session::Handle> connected = renew ? session_->Renew(handle->generation, Deadline::Never(), &stopped_)
                                                    : session_->Ensure(Deadline::Never(), &stopped_);
  if (!connected.ok()) return connected.status();
  *handle = *std::move(connected);
  const v1::Limits limits = session_->limits();
  MutexLock lock(&mu_);
  if (limits.batch_messages() > 0) max_messages_ = std::min<size_t>(max_messages_, limits.batch_messages());
  if (limits.batch_bytes() > kBatchOverhead) {
    max_bytes_ = std::min<size_t>(max_bytes_, limits.batch_bytes() - kBatchOverhead);
  }
  return absl::OkStatus();
}

PublisherLoop::StreamEnd PublisherLoop::RunStream(const Session::Handle& handle) {
  Stream stream;
  stream.session = handle.session;
  stream.calls =
      grpc::GenericStub(session_->channel()).PrepareCall(&stream.context, kPublishStream, &stream.completions);
  stream.calls->StartCall(ToPointer(kStart));
  {
    MutexLock lock(&mu_);
    stream_ = &stream;
    if (stopped_) stream.context.TryCancel();
  }
  TakeCompletions(&stream);
  {
    MutexLock lock(&mu_);
    stream_ = nullptr;
  }
  grpc::Status status;
  stream.calls->Finish(&status, ToPointer(kFinish));
  void* tag;
  bool ok;
  stream.completions.Next(&tag, &ok);
  stream.completions.Shutdown();
  while (stream.completions.Next(&tag, &ok)) {
  }
  StreamEnd end{.status = FromGrpc(status), .answers = stream.answers, .session_lost = stream.session_lost};
  if (!stream.broken.ok()) end.status = stream.broken;
  if (end.status.ok()) end.status = absl::UnavailableError("the server ended the stream");
  return end;
}

void PublisherLoop::TakeCompletions(Stream* stream) {
  bool reading = false;
  void* tag;
  bool ok;
  while (stream->completions.Next(&tag, &ok)) {
    switch (static_cast<Tag>(reinterpret_cast<intptr_t>(tag))) {
      case kStart: {
        if (!ok) return;
        reading = true;
        stream->calls->Read(&stream->answer, ToPointer(kRead));
        MutexLock lock(&mu_);
        stream->open = true;
        Pump();
        break;
      }
      case kWrite: {
        MutexLock lock(&mu_);
        stream->writing = false;
        // If it is broken, the read fails, too.
        if (!ok) stream->open = false;
        Pump();
        break;
      }
      case kRead: {
        reading = ok;
        if (ok) {
          OnAnswer(stream);
          stream->calls->Read(&stream->answer, ToPointer(kRead));
        } else {
          MutexLock lock(&mu_);
          stream->open = false;
        }
        break;
      }
      case kWake: {
        PumpWhenGathered();
        break;
      }
      case kFinish:
        break;
    }
    MutexLock lock(&mu_);
    if (!reading && !stream->writing) return;
  }
}

void PublisherLoop::OnAnswer(Stream* stream) {
  if (!stream->broken.ok()) return;
  v1::PublishStreamResponse response;
  if (!Decode(&stream->answer, &response)) {
    MutexLock lock(&mu_);
    return Break(stream, "the server sent what is no answer to a batch");
  }
  ++stream->answers;
  BatchResult result;
  if (response.has_refused()) result.status = FromRpc(response.refused());
  BatchPtr batch = TakeAnswered(stream, response.batch(), result.status);
  if (batch == nullptr) return;
  if (response.has_accepted()) {
    result.outcome = BatchOutcome::kAccepted;
    result.accepted = std::move(*response.mutable_accepted());
  } else {
    result.outcome = BatchOutcome::kRefused;
    if (result.status.ok()) result.status = absl::InternalError("the server's answer says nothing");
  }
  Settle(std::move(batch), std::move(result));
}

PublisherLoop::BatchPtr PublisherLoop::TakeAnswered(Stream* stream, uint64_t number, const absl::Status& status) {
  MutexLock lock(&mu_);
  if (in_flight_.empty() || in_flight_.front()->number != number) {
    Break(stream, "the server answered a batch that was not next");
    return nullptr;
  }
  BatchPtr batch = std::move(in_flight_.front());
  in_flight_.pop_front();
  answered_ = batch->messages.count();
  answer_time_ = RealClock().Monotonic() - batch->written;
  if (IsRenewable(status) && !std::exchange(batch->again, true)) {
    again_.push_back(std::move(batch));
    stream->session_lost = true;
  } else {
    settling_.push_back(batch->first_message);
  }
  // Those behind it are answered alike; then another stream takes them in the same order.
  if (stream->session_lost && in_flight_.empty()) stream->context.TryCancel();
  Pump();
  return batch;
}

void PublisherLoop::Break(Stream* stream, absl::string_view why) {
  stream->open = false;
  stream->broken = absl::DataLossError(why);
  stream->context.TryCancel();
}

void PublisherLoop::SettleInFlight(const absl::Status& status) {
  // The server answers in order and ends the stream at the batch that it cannot take.
  const bool refused = IsServersAnswer(status) && (IsFinal(status) || IsRenewable(status));
  const std::optional<uint64_t> too_large = TooLargeBytes(status);
  std::vector<std::pair<BatchPtr, BatchOutcome>> unanswered;
  {
    MutexLock lock(&mu_);
    if (IsFinal(status)) refused_ = status;
    bool behind_too_large = false;
    for (BatchPtr& batch : in_flight_) {
      if (behind_too_large || (IsRenewable(status) && !std::exchange(batch->again, true))) {
        again_.push_back(std::move(batch));
        continue;
      }
      behind_too_large = too_large == batch->sent_bytes;
      settling_.push_back(batch->first_message);
      unanswered.emplace_back(std::move(batch),
                              refused || behind_too_large ? BatchOutcome::kRefused : BatchOutcome::kUnknown);
    }
    in_flight_.clear();
    std::sort(again_.begin(), again_.end(),
              [](const BatchPtr& a, const BatchPtr& b) { return a->first_message < b->first_message; });
    changed_.SignalAll();
  }
  for (auto& [batch, outcome] : unanswered) {
    BatchResult result;
    result.outcome = outcome;
    result.status = outcome == BatchOutcome::kRefused
                        ? status
                        : WithContext(status, "whether the server took the messages is not known");
    Settle(std::move(batch), std::move(result));
  }
}

void PublisherLoop::RefuseUnsent(const absl::Status& status) {
  std::vector<BatchPtr> unsent;
  {
    MutexLock lock(&mu_);
    for (BatchPtr& batch : again_) unsent.push_back(std::move(batch));
    again_.clear();
    if (!gathering_->messages.empty()) unsent.push_back(TakeGathered());
    for (const BatchPtr& batch : unsent) settling_.push_back(batch->first_message);
    changed_.SignalAll();
  }
  for (BatchPtr& batch : unsent) {
    Settle(std::move(batch), {.outcome = BatchOutcome::kRefused, .status = WithContext(status, "not sent")});
  }
}

void PublisherLoop::Settle(BatchPtr batch, BatchResult result) {
  result.first_message = batch->first_message;
  result.messages = batch->messages.count();
  if (options_.on_result) options_.on_result(result);
  TellAskers(*batch, result);
  MutexLock lock(&mu_);
  switch (result.outcome) {
    case BatchOutcome::kAccepted:
      since_flush_.accepted += result.messages;
      break;
    case BatchOutcome::kRefused:
      since_flush_.refused += result.messages;
      break;
    case BatchOutcome::kUnknown:
      since_flush_.unknown += result.messages;
      break;
  }
  since_flush_.status.Update(result.status);
  settling_.erase(std::find(settling_.begin(), settling_.end(), result.first_message));
  changed_.SignalAll();
}

void PublisherLoop::TellAskers(const Batch& batch, const BatchResult& result) {
  if (batch.askers.empty()) return;
  // Which queue a message is for stands in what was sent.
  v1::PublishStreamRequest request;
  const grpc::Slice sent = batch.messages.Share();
  request.ParseFromArray(sent.begin(), static_cast<int>(sent.size()));
  const std::vector<absl::StatusOr<PublishResult>> results = ResultsOf(request, result);
  for (const Asker& asker : batch.askers) asker.done(results[asker.index]);
}

void PublisherLoop::Pump() {
  if (stream_ == nullptr || !stream_->open || stream_->writing || stream_->session_lost) return;
  if (in_flight_.size() >= std::max<size_t>(1, options_.window)) return;
  if (!again_.empty()) {
    BatchPtr batch = std::move(again_.front());
    again_.pop_front();
    Write(std::move(batch));
  } else if (!gathering_->messages.empty() && (in_flight_.empty() || IsFull() || pressing_ > 0)) {
    gathering_->number = ++batches_;
    Write(TakeGathered());
    changed_.SignalAll();
  }
}

bool PublisherLoop::MoreMayCome() const {
  const size_t count = gathering_->messages.count();
  return count > 0 && count < answered_ && !IsFull() && in_flight_.empty() && pressing_ == 0;
}

void PublisherLoop::PumpSoon() {
  // A stream that is not open yet or is being written to comes to it by itself.
  if (stream_ == nullptr || !stream_->open || stream_->writing || stream_->waking) return;
  stream_->waking = true;
  stream_->alarm.Set(&stream_->completions, gpr_time_0(GPR_CLOCK_MONOTONIC), ToPointer(kWake));
}

void PublisherLoop::PumpWhenGathered() {
  MutexLock lock(&mu_);
  const Deadline deadline = Deadline::In(answer_time_ / kGatherPart);
  while (MoreMayCome() && !stopped_ && !deadline.IsOver()) changed_.WaitWithTimeout(&mu_, deadline.Left());
  stream_->waking = false;
  Pump();
}

void PublisherLoop::Write(BatchPtr batch) {
  v1::PublishStreamRequest head;
  if (std::exchange(stream_->first_write, false)) {
    head.set_session(stream_->session);
    head.set_namespace_(session_->options().namespace_name);
  }
  head.set_batch(batch->number);
  head.set_count_matches(options_.count_matches);
  // The batch is kept for its results, and to be written again if the session is lost.
  const grpc::ByteBuffer request = EncodeWith(head, batch->messages.Share());
  batch->sent_bytes = request.Length();
  stream_->calls->Write(request, ToPointer(kWrite));
  stream_->writing = true;
  batch->written = RealClock().Monotonic();
  in_flight_.push_back(std::move(batch));
}

PublisherLoop::BatchPtr PublisherLoop::TakeGathered() {
  const size_t expected = std::min(gathering_->messages.bytes(), kExpectedBytesMax);
  return std::exchange(gathering_, std::make_unique<Batch>(expected));
}

bool PublisherLoop::IsFull() const {
  return gathering_->messages.count() >= max_messages_ || gathering_->messages.bytes() >= max_bytes_;
}

bool PublisherLoop::Fits(size_t bytes) const {
  if (gathering_->messages.empty()) return true;
  return !IsFull() && gathering_->messages.bytes() + bytes <= max_bytes_;
}

bool PublisherLoop::HasUnsent() const { return !again_.empty() || !gathering_->messages.empty(); }

bool PublisherLoop::AreSettled(uint64_t messages) const {
  const auto is_of_them = [messages](const BatchPtr& batch) { return batch->first_message < messages; };
  return (gathering_->messages.empty() || gathering_->first_message >= messages) &&
         std::none_of(again_.begin(), again_.end(), is_of_them) &&
         std::none_of(in_flight_.begin(), in_flight_.end(), is_of_them) &&
         std::none_of(settling_.begin(), settling_.end(), [messages](uint64_t first) { return first < messages; });
}

absl::Status PublisherLoop::Closed() const { return stopped_ ? Ended() : refused_; }

}  // namespace internal
}  // namespace client
}  // namespace nmq
