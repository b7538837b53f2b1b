#include "server/rpc/stream_call.h"

#include "server/rpc/status.h"

namespace nmq::rpc {

StreamCall::StreamCall(GrpcLoop* loop) : loop_(loop), last_write_(loop->clock().Monotonic()) {
  // Only for a call that comes.
  context_.AsyncNotifyWhenDone(&done_);
}

void StreamCall::Begin() {
  connection_ = loop_->connections().Enter(context_.peer());
  loop_->AddStream(this);
}

void StreamCall::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  OnEnd(status);
  if (!writing_ && !HasUnwritten()) Finish();
}

void StreamCall::Finish() {
  if (finishing_) return;
  finishing_ = true;
  Owe();
  StartFinish(ToGrpc(status_), &finished_);
}

void StreamCall::WriteStarted() {
  writing_ = true;
  last_write_ = loop_->clock().Monotonic();
  loop_->connections().BeforeWrite(connection_);
  Owe();
}

bool StreamCall::WriteEnded(bool ok) {
  writing_ = false;
  if (!ok) {
    End(absl::CancelledError("the client is gone"));
    Finish();
    return false;
  }
  if (!ending_) return true;
  if (HasUnwritten()) return true;
  Finish();
  return false;
}

void StreamCall::Finished(bool) { Release(); }

void StreamCall::Done(bool) {
  if (context_.IsCancelled()) End(absl::CancelledError("the client is gone"));
  Release();
}

void StreamCall::Release() {
  if (--owed_ > 0) return;
  loop_->connections().Leave(connection_);
  loop_->RemoveStream(this);
  delete this;
}

}  // namespace nmq::rpc
