#include "client/cpp/subscribe_stream.h"

#include <algorithm>

#include "client/cpp/status.h"
#include "client/cpp/wire.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// When so much waits to be read, no more is taken in until half of it has been read.
constexpr size_t kAheadFrames = 8;
constexpr size_t kAheadBytes = 256 << 10;

}  // namespace

SubscribeStream::~SubscribeStream() {
  // finished() also waits for the thread that polls to let go of this.
  if (!finished() && call_ != nullptr) Finish().IgnoreError();
}

void SubscribeStream::Start(const std::shared_ptr<grpc::Channel>& channel, const v1::SubscribeRequest& request) {
  call_ = grpc::GenericStub(channel).PrepareCall(&context_, kSubscribeMethod, receiver_->queue());
  {
    MutexLock lock(&mu_);
    running_ = true;
  }
  receiver_->Starting();
  // All that starts the call goes in one step.
  context_.set_initial_metadata_corked(true);
  call_->StartCall(nullptr);
  call_->WriteLast(Encode(request), grpc::WriteOptions(), &on_start_);
}

SubscribeStream::Result SubscribeStream::Read(absl::Duration silence, Deadline until) {
  frame_.Clear();
  const Deadline start = Deadline::In(absl::ZeroDuration());
  Result result = until.IsOver() ? Result::kSilent : TakeFrame();
  while (result == Result::kSilent) {
    const Deadline deadline = std::min(until, std::max(start, LastTaken()) + silence);
    if (deadline.IsOver()) break;
    receiver_->Wait(&waiter_, deadline);
    result = TakeFrame();
  }
  if (result == Result::kSilent) StopTaking();
  return result;
}

void SubscribeStream::StopTaking() {
  MutexLock lock(&mu_);
  idle_ = false;
  while (taking_) taken_.Wait(&mu_);
}

SubscribeStream::Result SubscribeStream::TakeFrame() {
  {
    MutexLock lock(&mu_);
    while (taking_) taken_.Wait(&mu_);
    idle_ = frames_.empty() && !ended_;
    if (frames_.empty()) return ended_ ? Result::kEnded : Result::kSilent;
    frame_.Swap(&frames_.front());
    frames_.pop_front();
    frames_bytes_ -= frame_.Length();
    const bool read_on = !running_ && !ended_ && frames_.size() <= kAheadFrames / 2 && frames_bytes_ <= kAheadBytes / 2;
    if (!read_on) return Result::kFrame;
    running_ = true;
  }
  ReadAhead();
  return Result::kFrame;
}

Deadline SubscribeStream::LastTaken() const {
  MutexLock lock(&mu_);
  return last_taken_;
}

absl::Status SubscribeStream::Finish() {
  if (!ended()) context_.TryCancel();
  while (running()) receiver_->Wait(&waiter_, Deadline::Never());
  receiver_->Starting();
  call_->Finish(&status_, &on_finish_);
  while (!finished()) receiver_->Wait(&waiter_, Deadline::Never());
  return FromGrpc(status_);
}

void SubscribeStream::OnStart(bool ok) {
  if (ok) return ReadAhead();
  MutexLock lock(&mu_);
  running_ = false;
  ended_ = true;
  receiver_->Notify(&waiter_);
}

bool SubscribeStream::StartTaking() {
  MutexLock lock(&mu_);
  taking_ = take_ != nullptr && idle_ && frames_.empty();
  return taking_;
}

void SubscribeStream::OnRead(bool ok) {
  const bool taken = ok && StartTaking() && take_(&incoming_);
  {
    MutexLock lock(&mu_);
    if (taking_) taken_.SignalAll();
    taking_ = false;
    if (taken) {
      last_taken_ = Deadline::In(absl::ZeroDuration());
      incoming_.Clear();
    } else {
      if (ok) {
        frames_bytes_ += incoming_.Length();
        frames_.emplace_back().Swap(&incoming_);
        incoming_.Clear();
      }
      ended_ = !ok;
      running_ = ok && !IsFarAhead();
      receiver_->Notify(&waiter_);
      if (!running_) return;
    }
  }
  ReadAhead();
}

void SubscribeStream::OnFinish() {
  MutexLock lock(&mu_);
  finished_ = true;
  receiver_->Notify(&waiter_);
}

bool SubscribeStream::ended() const {
  MutexLock lock(&mu_);
  return ended_;
}

bool SubscribeStream::running() const {
  MutexLock lock(&mu_);
  return running_;
}

bool SubscribeStream::finished() const {
  MutexLock lock(&mu_);
  return finished_;
}

bool SubscribeStream::IsFarAhead() const { return frames_.size() >= kAheadFrames || frames_bytes_ >= kAheadBytes; }

}  // namespace internal
}  // namespace client
}  // namespace nmq
