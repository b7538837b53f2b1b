#include "server/namespace/epochs.h"

#include <algorithm>

#include "absl/time/time.h"

namespace nmq::broker {

uint64_t Epochs::Next() {
  const auto now = static_cast<uint64_t>(std::max<int64_t>(1, absl::ToUnixMicros(clock_->Now())));
  uint64_t last = last_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    next = std::max(now, last + 1);
  } while (!last_.compare_exchange_weak(last, next));
  return next;
}

}  // namespace nmq::broker
