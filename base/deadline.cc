#include "base/deadline.h"

#include <algorithm>

#include "base/clock.h"

namespace nmq {

Deadline Deadline::In(absl::Duration timeout) {
  return timeout == absl::InfiniteDuration() ? Never() : Deadline(RealClock().Monotonic() + timeout);
}

absl::Duration Deadline::Left() const {
  return never() ? at_ : std::max(at_ - RealClock().Monotonic(), absl::ZeroDuration());
}

}  // namespace nmq
