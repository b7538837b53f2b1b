// Waiting with Abseil by the monotonic clock.
//
// The distribution's Abseil waits until a time of day: when the clock is set back by an hour, such a wait lasts an hour
// longer. A program that links this waits by the monotonic clock whatever it waits for with Abseil: absl::Notification,
// and gRPC, which has all of its timers wait so.
#ifndef NMQ_BASE_ABSEIL_WAITS_H_
#define NMQ_BASE_ABSEIL_WAITS_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nmq {

// As cv->WaitWithTimeout(mu, timeout): true if the time ran out. Abseil makes a time of day of the timeout, which the
// others make a duration again as soon as they sleep; this one does not depend on what happens in between.
bool WaitFor(absl::CondVar* cv, absl::Mutex* mu, absl::Duration timeout);

}  // namespace nmq

#endif  // NMQ_BASE_ABSEIL_WAITS_H_
