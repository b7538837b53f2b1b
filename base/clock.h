// Time as the server reads it. Injected, so that tests decide what time it is.
#ifndef NMQ_BASE_CLOCK_H_
#define NMQ_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace nmq {

// Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time of day: for people. It may jump, backwards too.
  virtual absl::Time Now() const = 0;
  // Time since some fixed point: for ages, leases and timers. It never goes back.
  virtual absl::Duration Monotonic() const = 0;
};

// The machine's clock. Lives for ever.
Clock& RealClock();

}  // namespace nmq

#endif  // NMQ_BASE_CLOCK_H_
