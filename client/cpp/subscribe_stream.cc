#include "client/cpp/subscribe_stream.h"

#include <algorithm>

#include "client/cpp/status.h"
#include "client/cpp/wire.h"
#include "grpc/support/time.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

constexpr char kMethod[] = "/nmq.v1.MessageQueue/Subscribe";

gpr_timespec After(absl::Duration timeout) {
  // gRPC adds without looking for overflow.
  timeout = std::clamp(timeout, absl::ZeroDuration(), absl::Hours(24 * 365));
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(timeout), GPR_TIMESPAN));
}

}  // namespace

SubscribeStream::~SubscribeStream() {
  if (call_ != nullptr && !finished_) Finish().IgnoreError();
  completions_.Shutdown();
  void* tag;
  bool ok;
  while (completions_.Next(&tag, &ok)) {
  }
}

void SubscribeStream::Start(const std::shared_ptr<grpc::Channel>& channel, const v1::SubscribeRequest& request) {
  call_ = grpc::GenericStub(channel).PrepareCall(&context_, kMethod, &completions_);
  // All that starts the call goes in one step.
  context_.set_initial_metadata_corked(true);
  call_->StartCall(this);
  call_->WriteLast(Encode(request), grpc::WriteOptions(), this);
  starting_ = true;
}

SubscribeStream::Result SubscribeStream::Read(absl::Duration timeout) {
  bool ok = false;
  if (starting_) {
    if (!Await(timeout, &ok)) return Result::kSilent;
    starting_ = false;
    if (!ok) {
      ended_ = true;
      return Result::kEnded;
    }
  }
  call_->Read(&frame_, this);
  reading_ = true;
  if (!Await(timeout, &ok)) return Result::kSilent;
  reading_ = false;
  ended_ = !ok;
  return ok ? Result::kFrame : Result::kEnded;
}

absl::Status SubscribeStream::Finish() {
  bool ok;
  if (!ended_) context_.TryCancel();
  if (starting_ || reading_) {
    Await(absl::InfiniteDuration(), &ok);
    starting_ = reading_ = false;
  }
  grpc::Status status;
  call_->Finish(&status, this);
  Await(absl::InfiniteDuration(), &ok);
  finished_ = true;
  return FromGrpc(status);
}

bool SubscribeStream::Await(absl::Duration timeout, bool* ok) {
  void* tag;
  if (timeout == absl::InfiniteDuration()) return completions_.Next(&tag, ok);
  return completions_.AsyncNext(&tag, ok, After(timeout)) == grpc::CompletionQueue::GOT_EVENT;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
