#include "server/rpc/drain_plan.h"

#include <algorithm>

namespace nmq::rpc {

DrainPlan::DrainPlan(absl::Duration start, absl::Duration grace, size_t streams)
    : start_(start), end_(start + grace), spread_(std::min(grace / 2, absl::Seconds(streams) / kDrainedPerSecond)) {}

absl::Duration DrainPlan::PickTime(Random& random) const { return start_ + spread_ * RandomFraction(random); }

}  // namespace nmq::rpc
