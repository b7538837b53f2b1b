#include "tests/bench/harness/throttle.h"

namespace nmq::bench {

bool Throttle::Admit(uint64_t messages) {
  absl::MutexLock lock(&mutex_);
  if (published_ >= known_ + lag_) known_ = heard_();
  if (published_ >= known_ + lag_) return false;
  published_ += messages;
  return true;
}

}  // namespace nmq::bench
