// Waiting on a CondVar until a point in time.
#ifndef NMQ_CLIENT_CPP_DEADLINE_H_
#define NMQ_CLIENT_CPP_DEADLINE_H_

#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace nmq {
inline namespace client {
namespace internal {

// How long to wait once, in a loop that looks at the clock. Never so long that the standard library's clocks overflow.
inline absl::Duration TimeUntil(absl::Time deadline) { return std::min(deadline - absl::Now(), absl::Hours(1)); }

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_DEADLINE_H_
