#include "server/rpc/unary_call.h"

#include <utility>

#include "base/errors.h"

namespace nmq::rpc {

bool Answer::Set(absl::StatusOr<Frame> response) {
  MutexLock lock(&mu_);
  if (response_.has_value()) return false;
  response_.emplace(std::move(response));
  return handled_;
}

bool Answer::Handled() {
  MutexLock lock(&mu_);
  handled_ = true;
  return response_.has_value();
}

UnaryCall* Answer::Claim() {
  MutexLock lock(&mu_);
  return std::exchange(call_, nullptr);
}

absl::StatusOr<Frame> Answer::Take() {
  MutexLock lock(&mu_);
  return *std::move(response_);
}

bool Answer::awaited() const {
  if (cancelled_.load(std::memory_order_relaxed)) return false;
  MutexLock lock(&mu_);
  return call_ != nullptr;
}

void Answer::Deliver() {
  if (UnaryCall* call = Claim(); call != nullptr) call->Finish(Take());
}

void Answer::Give(const std::shared_ptr<Answer>& answer, absl::StatusOr<Frame> response) {
  if (!answer->Set(std::move(response))) return;
  Loop* const loop = answer->loop_.get();
  // To wake a loop that sleeps takes longer than to send the answer here. One that is awake sends what has gathered.
  if (loop->HoldAsleep()) {
    answer->Deliver();
    loop->Release();
  } else {
    loop->Post([answer] { answer->Deliver(); });
  }
}

UnaryCall::UnaryCall(const UnaryMethod* method, Exchange* exchange) : method_(method), exchange_(exchange) {
  if (method_->request_bytes == 0 || exchange_->tells_sizes()) {
    Receive();
  } else {
    Want(method_->request_bytes, Intake::Size::kGuessed);
  }
}

void UnaryCall::Want(uint64_t bytes, Intake::Size size) {
  stage_ = Stage::kInLine;
  counted_ = true;
  exchange_->loop()->intake().Want(this, bytes, size);
  // In line it asks nothing of the transport, so the server must end it.
  if (stage_ == Stage::kInLine) exchange_->loop()->AddStream(this);
}

void UnaryCall::OnSize(uint64_t bytes) {
  if (stage_ != Stage::kReading) return;
  if (method_->request_bytes == 0 && bytes <= Intake::kSmallBytes) {
    exchange_->Read();
  } else {
    Want(bytes, Intake::Size::kKnown);
  }
}

void UnaryCall::Receive() {
  stage_ = Stage::kReading;
  exchange_->ReadRequest();
}

void UnaryCall::OnMessage(const RequestBytes& bytes) {
  if (stage_ != Stage::kReading) return;
  stage_ = Stage::kHandled;
  Loop* const loop = exchange_->loop();
  if (counted_) {
    taken_ = bytes.size();
    loop->intake().Received(this, taken_);
  }
  answer_ = std::make_shared<Answer>(this, loop->shared_from_this());
  method_->handle(*exchange_, bytes, answer_);
  if (!method_->keeps) GiveBack();
  if (answer_->Handled()) {
    answer_->Deliver();
  } else {
    // It may be finished by now, but its last event comes to this thread.
    loop->AddStream(this);
  }
}

void UnaryCall::OnNoMore() {
  if (stage_ == Stage::kReading) Refuse(InvalidArgument("request", "is missing"));
}

void UnaryCall::OnCancelled() {
  if (stage_ == Stage::kInLine) {
    Refuse(absl::CancelledError("the client is gone"));
  } else if (answer_ != nullptr) {
    answer_->Cancel();
  }
}

void UnaryCall::OnDone() {
  exchange_->loop()->RemoveStream(this);
  delete this;
}

void UnaryCall::End(const absl::Status& status) {
  if (stage_ == Stage::kInLine || stage_ == Stage::kReading) {
    Refuse(status);
  } else if (answer_ != nullptr && answer_->Claim() != nullptr) {
    Finish(status);
  }
}

void UnaryCall::Refuse(const absl::Status& why) {
  stage_ = Stage::kRefused;
  exchange_->loop()->intake().Leave(this);
  Finish(why);
}

void UnaryCall::GiveBack() {
  if (taken_ > 0) exchange_->loop()->intake().GiveBack(std::exchange(taken_, 0));
}

void UnaryCall::Finish(absl::StatusOr<Frame> response) {
  GiveBack();
  if (response.ok()) {
    exchange_->FinishWith(*std::move(response));
  } else {
    exchange_->Finish(response.status());
  }
}

}  // namespace nmq::rpc
