#include "tests/bench/harness/client.h"

#include <chrono>

namespace nmq::bench {

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace nmq::bench
