#ifndef NMQ_SERVER_HTTP2_ALLOWANCE_H_
#define NMQ_SERVER_HTTP2_ALLOWANCE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace nmq::http2 {

// How often a peer may do something: `burst` times at once, `per_second` times after that, and as often as it is
// credited with. For one thread at a time.
class Allowance {
 public:
  // `now` is of the monotonic clock, here and below.
  Allowance(int64_t burst, int64_t per_second, absl::Duration now)
      : burst_(burst), per_second_(per_second), left_(burst), since_(now) {}

  // It does it once more; false if it may not.
  bool Take(absl::Duration now) {
    if (left_ == 0) Refill(now);
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  void Credit(int64_t times) { left_ = std::min(left_ + times, burst_); }

 private:
  void Refill(absl::Duration now) {
    const int64_t times = (now - since_) / absl::Seconds(1) >= burst_ / per_second_
                              ? burst_
                              : absl::ToInt64Microseconds((now - since_) * per_second_) / 1'000'000;
    if (times == 0) return;
    since_ = now;
    Credit(times);
  }

  const int64_t burst_;
  const int64_t per_second_;
  int64_t left_;
  absl::Duration since_;  // what comes by time has been given until then
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_ALLOWANCE_H_
