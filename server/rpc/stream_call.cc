#include "server/rpc/stream_call.h"

#include <algorithm>
#include <utility>

namespace nmq::rpc {
namespace {

// What the caller has shown expires by the time of day, which may jump; a stream that has no request yet is looked at
// again.
constexpr absl::Duration kExpiryStepMin = absl::Seconds(1);
constexpr absl::Duration kExpiryStepMax = absl::Minutes(1);

}  // namespace

StreamCall::StreamCall(Exchange* exchange)
    : exchange_(exchange), loop_(exchange->loop()), last_write_(loop_->clock().Monotonic()) {
  loop_->AddStream(this);
  AwaitExpiry();
}

void StreamCall::GoOnFor(std::shared_ptr<const Principal> principal) {
  exchange_->set_principal(std::move(principal));
  AwaitExpiry();
}

void StreamCall::AwaitExpiry() {
  if (expiry_ != nullptr) loop_->CancelTimer(expiry_.get());
  const Principal* const principal = exchange_->principal().get();
  if (ending_ || principal == nullptr || principal->expiry == absl::InfiniteFuture()) return;
  if (expiry_ == nullptr) {
    expiry_ = std::make_unique<Loop::Timer>([this] {
      AwaitExpiry();
      CheckAccess();
    });
  }
  const absl::Duration left = principal->expiry - loop_->clock().Now();
  loop_->SetTimer(expiry_.get(), loop_->clock().Monotonic() + std::clamp(left, kExpiryStepMin, kExpiryStepMax));
}

void StreamCall::End(const absl::Status& status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  loop_->intake().Leave(this);
  if (expiry_ != nullptr) loop_->CancelTimer(expiry_.get());
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
