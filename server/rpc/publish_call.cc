#include "server/rpc/publish_call.h"

#include <algorithm>
#include <utility>

#include "server/rpc/call_of.h"

namespace nmq::rpc {
namespace {

// Answers that may wait. A publisher that does not read them is not read from either.
constexpr size_t kAnswersMax = 64;
// A batch is thought to be about as large as the largest lately, and no less than this: gRPC takes that much in anyhow.
constexpr uint64_t kExpectedMin = 64 << 10;
// The guess falls by this part with each batch that is smaller.
constexpr uint64_t kForgetPart = 8;

}  // namespace

PublishCall::PublishCall(broker::Broker* broker, Exchange* exchange)
    : StreamCall(exchange),
      broker_(broker),
      publish_(broker, CallOf<v1::PublishStreamRequest>(*exchange)),
      expected_(broker->limits().batch_bytes) {
  WantRead();
}

void PublishCall::WantRead() {
  if (reading_ || ending() || answers_.size() >= kAnswersMax) return;
  reading_ = true;
  if (exchange()->tells_sizes()) {
    exchange()->Read();
  } else {
    loop()->intake().Want(this, expected_, Intake::Size::kGuessed);
  }
}

void PublishCall::OnSize(uint64_t bytes) {
  if (!ending()) loop()->intake().Want(this, bytes, Intake::Size::kKnown);
}

void PublishCall::OnNoMore() { End(absl::OkStatus()); }

void PublishCall::OnMessage(const RequestBytes& bytes) {
  reading_ = false;
  if (ending()) return;
  const uint64_t size = bytes.size();
  loop()->intake().Received(this, size);
  const uint64_t lately = std::max(expected_ - expected_ / kForgetPart, kExpectedMin);
  expected_ = std::min(std::max(size + size / kForgetPart, lately), broker_->limits().batch_bytes);
  if (absl::Status status = PublishBatch(bytes); !status.ok()) {
    loop()->intake().GiveBack(size);
    End(status);
  }
  WantRead();
}

absl::Status PublishCall::PublishBatch(const RequestBytes& bytes) {
  auto answer = std::make_shared<Answer>();
  answers_.push_back(answer);
  Owe();
  const absl::Status status = publish_.Publish(
      bytes.InOnePiece(), &arena_, [this, answer, size = bytes.size()](const v1::PublishStreamResponse& response) {
        loop()->intake().GiveBack(size);
        answer->frame.emplace(response);
        if (loop()->IsCurrent()) {
          Answered(answer.get());
        } else {
          loop()->Post([this, answer] { Answered(answer.get()); });
        }
      });
  arena_.Reset();
  if (!status.ok()) {
    answers_.pop_back();
    Release();
  }
  return status;
}

void PublishCall::Answered(Answer* answer) {
  answer->ready = true;
  WriteNext();
  Release();
}

void PublishCall::WriteNext() {
  if (writing() || finished() || answers_.empty() || !answers_.front()->ready) return;
  Write(*std::move(answers_.front()->frame));
}

void PublishCall::OnWritten(bool ok) {
  answers_.pop_front();
  if (!WriteEnded(ok)) return;
  WriteNext();
  WantRead();
}

// At once, since nothing is taken any more.
void PublishCall::CheckAccess() {
  const absl::Status status = publish_.CheckAccess();
  if (status.ok()) {
    GoOnFor(publish_.principal());
  } else {
    End(status);
  }
}

void PublishCall::Drain(const DrainPlan&) { End(broker_->CheckNotDraining()); }

}  // namespace nmq::rpc
