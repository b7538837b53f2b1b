#ifndef NMQ_SERVER_LIMITS_TOKEN_BUCKET_H_
#define NMQ_SERVER_LIMITS_TOKEN_BUCKET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace nmq {

// How much may be done in a time: so much a second, and at once what a `burst` of time gives, at least one. Times are
// of the monotonic clock. For one thread at a time.
class TokenBucket {
 public:
  // `per_second` is above zero. It is full at first.
  TokenBucket(uint64_t per_second, absl::Duration burst) { Set(per_second, burst); }

  // What it gives from now on; what was taken stays taken.
  void Set(uint64_t per_second, absl::Duration burst) {
    const double spent = capacity_ - level_;
    per_second_ = static_cast<double>(per_second);
    capacity_ = std::max(per_second_ * absl::ToDoubleSeconds(burst), 1.0);
    level_ = capacity_ - spent;
  }

  // How long until `amount` may be taken; zero if it may now. More than it can hold may be taken when it is full: what
  // comes later pays for that.
  absl::Duration WaitFor(uint64_t amount, absl::Duration now) {
    Refill(now);
    const double missing = std::min(static_cast<double>(amount), capacity_) - level_;
    if (missing <= 0) return absl::ZeroDuration();
    return absl::Ceil(absl::Seconds(missing / per_second_), absl::Milliseconds(1));
  }
  void Take(uint64_t amount) { level_ -= static_cast<double>(amount); }
  // What was taken is not used.
  void GiveBack(uint64_t amount) { level_ = std::min(capacity_, level_ + static_cast<double>(amount)); }

 private:
  void Refill(absl::Duration now) {
    // Threads look at the clock before they come here, one after the other.
    if (now <= since_) return;
    level_ = std::min(capacity_, level_ + absl::ToDoubleSeconds(now - since_) * per_second_);
    since_ = now;
  }

  double per_second_ = 0;
  double capacity_ = 0;
  double level_ = 0;  // below zero: what was taken beforehand
  absl::Duration since_ = -absl::InfiniteDuration();
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_TOKEN_BUCKET_H_
