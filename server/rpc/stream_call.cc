#include "server/rpc/stream_call.h"

#include <utility>

namespace nmq::rpc {

StreamCall::StreamCall(Exchange* exchange)
    : exchange_(exchange), loop_(exchange->loop()), last_write_(loop_->clock().Monotonic()) {
  loop_->AddStream(this);
}

void StreamCall::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  loop_->intake().Leave(this);
  OnEnd(status);
  if (!writing_ && !HasUnwritten()) Finish();
}

void StreamCall::OnSize(uint64_t bytes) {
  if (bytes <= Intake::kSmallBytes) {
    exchange_->Read();
  } else if (!ending_) {
    loop_->intake().Want(this, bytes, Intake::Size::kKnown);
  }
}

bool StreamCall::MessageCame() {
  loop_->intake().Leave(this);
  return !ending_;
}

void StreamCall::Finish() {
  if (finished_) return;
  finished_ = true;
  exchange_->Finish(status_);
}

void StreamCall::Write(Frame frame) {
  writing_ = true;
  last_write_ = loop_->clock().Monotonic();
  exchange_->Write(std::move(frame));
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

void StreamCall::Release() {
  if (--owed_ > 0) return;
  loop_->RemoveStream(this);
  delete this;
}

}  // namespace nmq::rpc
