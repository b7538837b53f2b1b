#include "server/rpc/intake.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

// Who has received nothing for so long mostly has nothing to receive.
constexpr absl::Duration kLapse = absl::Milliseconds(200);
// A request for which others wait must be there within this.
constexpr absl::Duration kReceiveTime = absl::Seconds(5);
// One of so many is refused at a time.
constexpr size_t kRefusedPart = 4;
// What a call takes that waits: its state here and in gRPC.
constexpr uint64_t kWaiterBytes = 16 << 10;
constexpr absl::Duration kRetryAfter = absl::Milliseconds(200);
// Of what all loops may take, one loop may keep this part: there are at most so many of them.
constexpr uint64_t kKeptPart = 64;

absl::Status MemoryShort(uint64_t bytes_max) {
  return ResourceExhausted(
      "MEMORY_SHORT",
      absl::StrCat("the server's memory is short: all requests that are received at once may take ", bytes_max,
                   " bytes; send this again, on a new stream if it was one"),
      kRetryAfter, {{"bound", absl::StrCat(bytes_max)}});
}

}  // namespace

void Intake::List::Add(Receiver* receiver) {
  receiver->before_ = last;
  receiver->after_ = nullptr;
  (last == nullptr ? first : last->after_) = receiver;
  last = receiver;
  ++size;
}

void Intake::List::Remove(Receiver* receiver) {
  (receiver->before_ == nullptr ? first : receiver->before_->after_) = receiver->after_;
  (receiver->after_ == nullptr ? last : receiver->after_->before_) = receiver->before_;
  --size;
}

Intake::Intake(MemoryBudget* budget, const Clock* clock, Metrics* metrics, std::function<void()> wake)
    : budget_(budget), clock_(clock), metrics_(metrics), wake_(std::move(wake)) {}

bool Intake::Keep(uint64_t bytes) {
  if (kept_ > 0 && kept_ + bytes > budget_->bytes_max() / kKeptPart) return false;
  kept_ += bytes;
  return true;
}

void Intake::Close() {
  closed_ = true;
  const uint64_t awaited = std::exchange(awaited_, 0);
  if (awaited > 0 && !budget_->Leave(this)) budget_->GiveBack(awaited);
}

void Intake::Start(Receiver* receiver) {
  receiver->state_ = Receiver::State::kReceiving;
  receiver->lapsed_ = false;
  receiver->since_ = clock_->Monotonic();
  receiving_.Add(receiver);
  receiver->Receive();
}

void Intake::Refuse(Receiver* receiver, const absl::Status& why) {
  metrics_->CountRefusal(why);
  receiver->Refuse(why);
}

void Intake::Want(Receiver* receiver, uint64_t bytes, Size size) {
  if (receiver->state_ == Receiver::State::kReceiving) Received(receiver, 0);
  receiver->size_ = size;
  receiver->bytes_ = std::clamp<uint64_t>(bytes, 1, budget_->bytes_max());
  if (line_.size == 0 && MayStart() && budget_->TryTake(receiver->bytes_)) {
    Start(receiver);
    return;
  }
  if (line_.size >= budget_->bytes_max() / kWaiterBytes) {
    Refuse(receiver, MemoryShort(budget_->bytes_max()));
    return;
  }
  receiver->state_ = Receiver::State::kInLine;
  line_.Add(receiver);
  if (awaited_ > 0 || !MayStart()) return;
  awaited_ = receiver->bytes_;
  budget_->Wait(awaited_, this);
}

void Intake::Received(Receiver* receiver, uint64_t bytes) {
  receiving_.Remove(receiver);
  receiver->state_ = Receiver::State::kIdle;
  const uint64_t taken = std::exchange(receiver->bytes_, 0);
  if (bytes > taken) {
    budget_->Take(bytes - taken);
  } else if (bytes < taken) {
    budget_->GiveBack(taken - bytes);
  }
}

void Intake::Leave(Receiver* receiver) {
  if (receiver->state_ == Receiver::State::kReceiving) {
    Received(receiver, 0);
  } else if (receiver->state_ == Receiver::State::kInLine) {
    // What the intake waits for in its name is for the next one.
    line_.Remove(receiver);
    receiver->state_ = Receiver::State::kIdle;
    receiver->bytes_ = 0;
  }
}

void Intake::OnTaken() {
  taken_.store(true, std::memory_order_release);
  wake_();
}

void Intake::Continue() {
  if (!taken_.exchange(false, std::memory_order_acquire) || closed_) return;
  Admit(std::exchange(awaited_, 0));
}

void Intake::SetCritical(bool critical) {
  critical_ = critical;
  if (awaited_ == 0 && !closed_) Admit(0);
}

void Intake::Admit(uint64_t left) {
  while (line_.size > 0 && MayStart()) {
    Receiver* const receiver = line_.first;
    if (left >= receiver->bytes_) {
      left -= receiver->bytes_;
    } else if (!budget_->TryTake(receiver->bytes_)) {
      awaited_ = receiver->bytes_;
      break;
    }
    line_.Remove(receiver);
    Start(receiver);
  }
  if (left > 0) budget_->GiveBack(left);
  if (awaited_ > 0) budget_->Wait(awaited_, this);
}

void Intake::Lapse() {
  const absl::Duration now = clock_->Monotonic();
  std::vector<Receiver*> late;
  for (Receiver* receiver = receiving_.first; receiver != nullptr && receiver->since_ + kLapse <= now;
       receiver = receiver->after_) {
    if (receiver->size_ == Size::kKnown) {
      if (receiver->since_ + kReceiveTime <= now) late.push_back(receiver);
      continue;
    }
    receiver->lapsed_ = true;
    budget_->GiveBack(std::exchange(receiver->bytes_, 0));
  }
  for (Receiver* const receiver : late) Refuse(receiver, MemoryShort(budget_->bytes_max()));
}

void Intake::RefuseSome(bool any) {
  std::vector<Receiver*> some;
  for (Receiver* receiver = receiving_.first; receiver != nullptr; receiver = receiver->after_) {
    if (receiver->lapsed_) some.push_back(receiver);
  }
  if (some.empty() && any) {
    for (Receiver* receiver = receiving_.first; receiver != nullptr; receiver = receiver->after_) {
      some.push_back(receiver);
    }
  }
  // The latest have most likely something on its way.
  const size_t count = (some.size() + kRefusedPart - 1) / kRefusedPart;
  const absl::Status why = MemoryShort(budget_->bytes_max());
  for (size_t i = 0; i < count; ++i) Refuse(some[some.size() - 1 - i], why);
}

}  // namespace nmq::rpc
