#include "client/cpp/subscription_loop.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace nmq {
inline namespace client {
namespace internal {
absl::Status SubscriptionLoop::Start() {
  absl::Status may_wait = InSharedCallback::CheckMayWait();
  if (!may_wait.ok()) return may_wait;
  give_up_first_at_ = Deadline::In(session_->options().wait_for_server);
  thread_ = std::thread([this, self = shared_from_this()] { End(RunUntilEnd()); });
  return WaitUntilLive();
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
  if (std::this_thread::get_id() == thread_.get_id() || InSharedCallback::Now()) {
    // A callback destroys its own subscription, or nobody polls while it waits. The thread owns this object until it is
    // through.
    thread_.detach();
  } else {
    thread_.join();
  }
}

absl::Status SubscriptionLoop::RunUntilEnd() {
  // The first one connects if nobody has; the later ones always ask whether the session still stands.
  absl::StatusOr<Session::Handle> handle = session_->Ensure(Deadline::Never(), &stopped_);
  if (!handle.ok()) return handle.status();
  while (!stopped_) {
    Attempt attempt;
    absl::Status status;
    if (handle.ok()) {
      status = RunStream(handle->session, &attempt);
    } else {
      status = handle.status();
    }
    if (stopped_) break;
    const std::optional<absl::Duration> delay = NextAttempt(handle.ok(), status, attempt);
    if (!delay.has_value()) return status;
    if (*delay > absl::ZeroDuration()) session_->Sleep(*delay, &stopped_);
    const uint64_t seen = handle.ok() ? handle->generation : 0;
    generation_ = std::max(generation_, seen);
    handle = session_->Renew(generation_, Deadline::Never(), &stopped_);
  }
  return absl::OkStatus();
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
    const absl::Duration silence = SilenceOf(*attempt);
    const SubscribeStream::Result result = stream->Read(silence, attempt->leave_at);
    if (result != SubscribeStream::Result::kFrame || !taken_.ok()) {
      const bool leave = attempt->leave_at.IsOver();
      absl::Status status = stream->Finish();
      if (!taken_.ok()) return taken_;
      if (result == SubscribeStream::Result::kEnded) return status;
      if (leave) {
        attempt->left = true;
        return Left();
      }
      return Silent(*attempt, silence);
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
  {
    const InSharedCallback shared;
    taken_ = OnBatch(&batch);
  }
  if (!taken_.ok()) stream->Cancel();
  return true;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
