#include "base/deadline.h"

#include <algorithm>

#include "base/grpc_deadline.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(Deadline, IsOverWhenItsTimeHasCome) {
  EXPECT_TRUE(Deadline::In(absl::ZeroDuration()).IsOver());
  EXPECT_TRUE(Deadline::In(-absl::Hours(1)).IsOver());
  EXPECT_TRUE(Deadline::Over().IsOver());
  EXPECT_FALSE(Deadline::In(absl::Hours(1)).IsOver());
  EXPECT_FALSE(Deadline::Never().IsOver());
  EXPECT_EQ(Deadline::In(absl::InfiniteDuration()), Deadline::Never());
}

TEST(Deadline, SaysWhatIsLeft) {
  EXPECT_EQ(Deadline::Over().Left(), absl::ZeroDuration());
  EXPECT_EQ(Deadline::Never().Left(), absl::InfiniteDuration());
  const absl::Duration left = Deadline::In(absl::Hours(2)).Left();
  EXPECT_GT(left, absl::Hours(1));
  EXPECT_LE(left, absl::Hours(2));
}

TEST(Deadline, TheEarlierIsLess) {
  const Deadline soon = Deadline::In(absl::Hours(1));
  EXPECT_EQ(std::min(soon, Deadline::Never()), soon);
  EXPECT_EQ(std::min(soon, Deadline::Over()), Deadline::Over());
  EXPECT_EQ(std::max(soon, soon + absl::Hours(1)), soon + absl::Hours(1));
}

TEST(Deadline, GrpcTakesItByTheMonotonicClock) {
  const gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
  const gpr_timespec in_an_hour = ToGrpc(Deadline::In(absl::Hours(1)));
  EXPECT_EQ(in_an_hour.clock_type, GPR_CLOCK_MONOTONIC);
  EXPECT_GE(in_an_hour.tv_sec, now.tv_sec + 3599);
  EXPECT_EQ(gpr_time_cmp(ToGrpc(Deadline::Never()), gpr_inf_future(GPR_CLOCK_MONOTONIC)), 0);
  EXPECT_LE(gpr_time_cmp(ToGrpc(Deadline::Over()), gpr_now(GPR_CLOCK_MONOTONIC)), 0);
}

}  // namespace
}  // namespace nmq
