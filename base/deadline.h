// Until when something waits.
#ifndef NMQ_BASE_DEADLINE_H_
#define NMQ_BASE_DEADLINE_H_

#include "absl/time/time.h"

namespace nmq {

// A point in time on the machine's monotonic clock: who sets the time of day does not move it. For real time only; what
// tests are to decide about reads a Clock. A value.
class Deadline {
 public:
  static Deadline Never() { return Deadline(absl::InfiniteDuration()); }
  static Deadline Over() { return Deadline(-absl::InfiniteDuration()); }
  // After `timeout`, which may be infinite, or negative.
  static Deadline In(absl::Duration timeout);

  bool never() const { return at_ == absl::InfiniteDuration(); }
  bool IsOver() const { return Left() <= absl::ZeroDuration(); }
  // Zero when it is over.
  absl::Duration Left() const;
  Deadline operator+(absl::Duration duration) const { return Deadline(at_ + duration); }

  friend bool operator==(const Deadline& a, const Deadline& b) { return a.at_ == b.at_; }
  // The earlier one is less.
  friend bool operator<(const Deadline& a, const Deadline& b) { return a.at_ < b.at_; }

 private:
  explicit Deadline(absl::Duration at) : at_(at) {}

  absl::Duration at_;  // since the clock's zero
};

}  // namespace nmq

#endif  // NMQ_BASE_DEADLINE_H_
