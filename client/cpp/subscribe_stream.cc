#include "client/cpp/subscribe_stream.h"

#include "absl/time/clock.h"
#include "client/cpp/deadline.h"
#include "client/cpp/status.h"
#include "client/cpp/wire.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

constexpr char kMethod[] = "/nmq.v1.MessageQueue/Subscribe";

// When so much waits to be read, no more is taken in until half of it has been read.
constexpr size_t kAheadFrames = 8;
constexpr size_t kAheadBytes = 256 << 10;

}  // namespace

SubscribeStream::~SubscribeStream() {
  bool unfinished;
  {
    // Also waits for the receiver to let go of it.
    MutexLock lock(&mu_);
    unfinished = call_ != nullptr && !finished_;
  }
  if (unfinished) Finish().IgnoreError();
}

void SubscribeStream::Start(const std::shared_ptr<grpc::Channel>& channel, const v1::SubscribeRequest& request) {
  call_ = grpc::GenericStub(channel).PrepareCall(&context_, kMethod, receiver_->queue());
  {
    MutexLock lock(&mu_);
    running_ = true;
  }
  // All that starts the call goes in one step.
  context_.set_initial_metadata_corked(true);
  call_->StartCall(nullptr);
  call_->WriteLast(Encode(request), grpc::WriteOptions(), &on_start_);
}

SubscribeStream::Result SubscribeStream::Read(absl::Duration timeout) {
  frame_.Clear();
  bool read_on;
  {
    MutexLock lock(&mu_);
    if (frames_.empty() && !ended_) {
      const absl::Time deadline = absl::Now() + timeout;
      do {
        if (absl::Now() >= deadline) return Result::kSilent;
        changed_.WaitWithTimeout(&mu_, TimeUntil(deadline));
      } while (frames_.empty() && !ended_);
    }
    if (frames_.empty()) return Result::kEnded;
    frame_.Swap(&frames_.front());
    frames_.pop_front();
    frames_bytes_ -= frame_.Length();
    read_on = !running_ && !ended_ && frames_.size() <= kAheadFrames / 2 && frames_bytes_ <= kAheadBytes / 2;
    if (read_on) running_ = true;
  }
  if (read_on) ReadAhead();
  return Result::kFrame;
}

absl::Status SubscribeStream::Finish() {
  MutexLock lock(&mu_);
  if (!ended_) context_.TryCancel();
  while (running_) changed_.Wait(&mu_);
  call_->Finish(&status_, &on_finish_);
  while (!finished_) changed_.Wait(&mu_);
  return FromGrpc(status_);
}

void SubscribeStream::OnStart(bool ok) {
  if (ok) return ReadAhead();
  MutexLock lock(&mu_);
  running_ = false;
  ended_ = true;
  changed_.SignalAll();
}

void SubscribeStream::OnRead(bool ok) {
  {
    MutexLock lock(&mu_);
    if (ok) {
      frames_bytes_ += incoming_.Length();
      frames_.emplace_back().Swap(&incoming_);
      incoming_.Clear();
    }
    ended_ = !ok;
    running_ = ok && !IsFarAhead();
    changed_.SignalAll();
    if (!running_) return;
  }
  ReadAhead();
}

void SubscribeStream::OnFinish() {
  MutexLock lock(&mu_);
  finished_ = true;
  changed_.SignalAll();
}

bool SubscribeStream::IsFarAhead() const { return frames_.size() >= kAheadFrames || frames_bytes_ >= kAheadBytes; }

}  // namespace internal
}  // namespace client
}  // namespace nmq
