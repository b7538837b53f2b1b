#include "tests/bench/peers/polled_subscribers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

}  // namespace

void HearingBoard::Confirmed() {
  absl::MutexLock lock(&mutex_);
  ++confirmed_;
}

void HearingBoard::Failed(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (health_.ok()) health_ = status;
}

absl::Status HearingBoard::Await(uint64_t confirmations) {
  const auto settled = [this, confirmations]()
                           ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return confirmed_ >= confirmations || !health_.ok(); };
  absl::MutexLock lock(&mutex_);
  if (!mutex_.AwaitWithTimeout(absl::Condition(&settled), kPatience)) {
    return absl::DeadlineExceededError(absl::StrCat("only ", confirmed_, " of ", confirmations, " confirmations came"));
  }
  return health_;
}

absl::Status HearingBoard::health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

PolledSubscribers::PolledSubscribers(const SubscriberSpec& spec)
    : threads_(spec.threads, [this](const absl::Status& status) { board_.Failed(status); }) {
  const bool whole = spec.interest == nullptr;
  for (int i = 0; i < spec.subscribers; ++i) {
    ears_.push_back(std::make_unique<Ear>(whole, spec.every_latency, &latencies_));
  }
}

ReceiveTotals PolledSubscribers::Totals() const {
  ReceiveTotals totals;
  for (const auto& ear : ears_) {
    totals.messages += ear->messages();
    totals.disorder += ear->disorder();
  }
  return totals;
}

uint64_t PolledSubscribers::Slowest() const {
  uint64_t least = UINT64_MAX;
  for (const auto& ear : ears_) least = std::min(least, ear->messages());
  return least;
}

Histogram PolledSubscribers::Stop() {
  threads_.Stop();
  return latencies_.Merged();
}

}  // namespace nmq::bench
