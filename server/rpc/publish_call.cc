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
// For the rate to allow a batch. Publishers take a longer silence for a server that is stuck.
constexpr absl::Duration kKeepMax = absl::Seconds(10);

}  // namespace

PublishCall::PublishCall(broker::Broker* broker, Exchange* exchange)
    : StreamCall(exchange),
      broker_(broker),
      publish_(broker, CallOf<v1::PublishStreamRequest>(*exchange)),
      expected_(broker->limits().batch_bytes) {
  WantRead();
}

void PublishCall::WantRead() {
  if (reading_ || ending() || !kept_.empty() || answers_.size() >= kAnswersMax) return;
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
  Take(bytes.InOnePiece());
}

void PublishCall::Take(absl::string_view batch) {
  if (absl::Status status = PublishBatch(batch); !status.ok()) {
    loop()->intake().GiveBack(batch.size());
    End(status);
  }
  WantRead();
}

absl::Status PublishCall::PublishBatch(absl::string_view batch) {
  auto answer = std::make_shared<Answer>();
  answers_.push_back(answer);
  Owe();
  const absl::Status status = publish_.Publish(
      batch, &arena_,
      [this, answer, size = batch.size()](const v1::PublishStreamResponse& response) {
        loop()->intake().GiveBack(size);
        answer->frame.emplace(response);
        if (loop()->IsCurrent()) {
          Answered(answer.get());
        } else {
          loop()->Post([this, answer] { Answered(answer.get()); });
        }
      },
      [this, batch](absl::Duration wait) { return Keep(batch, wait); });
  arena_.Reset();
  if (!status.ok() || !kept_.empty()) {
    answers_.pop_back();
    Release();
  }
  return status;
}

bool PublishCall::Keep(absl::string_view batch, absl::Duration wait) {
  if (wait > kKeepMax || !loop()->intake().Keep(batch.size())) return false;
  kept_ = std::string(batch);
  loop()->SetTimer(&again_, loop()->clock().Monotonic() + wait);
  return true;
}

std::string PublishCall::LetGo() {
  loop()->CancelTimer(&again_);
  loop()->intake().Release(kept_.size());
  return std::exchange(kept_, std::string());
}

void PublishCall::PublishKept() {
  const std::string batch = LetGo();
  Take(batch);
}

void PublishCall::OnEnd(const absl::Status&) {
  if (!kept_.empty()) loop()->intake().GiveBack(LetGo().size());
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
