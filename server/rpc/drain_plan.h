// When a server that stops asks its streams to leave: each at a time of its own, so that clients do not come to the
// next server in one wave.
#ifndef NMQ_SERVER_RPC_DRAIN_PLAN_H_
#define NMQ_SERVER_RPC_DRAIN_PLAN_H_

#include <cstddef>

#include "absl/time/time.h"
#include "base/random.h"

namespace nmq::rpc {

// So many streams are asked to leave in a second, as long as that takes half of the grace at the most: a server with
// few streams does not wait for nothing.
inline constexpr int kDrainedPerSecond = 200;

// A value. Times are of the monotonic clock.
class DrainPlan {
 public:
  // For `streams` that all end `grace` after `start`.
  DrainPlan(absl::Duration start, absl::Duration grace, size_t streams);

  // When the streams that are left will be ended.
  absl::Duration end() const { return end_; }
  // The span from the start on in which streams are asked to leave.
  absl::Duration spread() const { return spread_; }
  // When to ask one stream: any time in the spread, another one each time.
  absl::Duration PickTime(Random& random) const;

 private:
  absl::Duration start_;
  absl::Duration end_;
  absl::Duration spread_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_DRAIN_PLAN_H_
