#include "tests/bench/peers/outcome.h"

namespace nmq::bench {

bool Outcome::Add(const absl::StatusOr<uint64_t>& accepted) {
  if (!accepted.ok()) return Add(accepted.status());
  accepted_.fetch_add(*accepted, std::memory_order_relaxed);
  return true;
}

bool Outcome::Add(const absl::Status& status) {
  if (status.ok()) return true;
  absl::MutexLock lock(&mutex_);
  if (verdict_.ok()) verdict_ = status;
  failed_.store(true);
  return false;
}

absl::Status Outcome::verdict() const {
  absl::MutexLock lock(&mutex_);
  return verdict_;
}

}  // namespace nmq::bench
