#include "server/rpc/drain_plan.h"

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "tests/testing/same_byte.h"

namespace nmq::rpc {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);
constexpr absl::Duration kGrace = absl::Seconds(8);
constexpr size_t kMany = 100'000;

TEST(DrainPlan, AsksTheFirstAtTheStart) {
  SameByte zero(0);
  EXPECT_EQ(DrainPlan(kStart, kGrace, kMany).PickTime(zero), kStart);
}

TEST(DrainPlan, HasAskedTheLastWhenHalfOfTheGraceIsLeft) {
  SameByte most(255);
  const DrainPlan plan(kStart, kGrace, kMany);
  EXPECT_LT(plan.PickTime(most), kStart + kGrace / 2);
  EXPECT_GT(plan.PickTime(most), kStart + kGrace / 2 - absl::Milliseconds(1));
  EXPECT_EQ(plan.end(), kStart + kGrace);
}

TEST(DrainPlan, AsksEvenlyOverTheSpread) {
  constexpr int kParts = 10;
  constexpr int kStreams = 10'000;
  const DrainPlan plan(kStart, kGrace, kMany);
  std::vector<int> asked(kParts);
  for (int i = 0; i < kStreams; ++i) {
    const double part = absl::FDivDuration(plan.PickTime(SystemRandom()) - kStart, plan.spread());
    ASSERT_GE(part, 0);
    ASSERT_LT(part, 1);
    ++asked[static_cast<size_t>(part * kParts)];
  }
  // Twelve standard deviations.
  for (const int count : asked) EXPECT_NEAR(count, kStreams / kParts, 360);
}

TEST(DrainPlan, OfFewStreamsIsShort) {
  EXPECT_EQ(DrainPlan(kStart, kGrace, 1).spread(), absl::Milliseconds(5));
  EXPECT_EQ(DrainPlan(kStart, kGrace, kDrainedPerSecond).spread(), absl::Seconds(1));
  EXPECT_EQ(DrainPlan(kStart, kGrace, 0).spread(), absl::ZeroDuration());
}

TEST(DrainPlan, OfManyStreamsTakesHalfOfTheGrace) {
  EXPECT_EQ(DrainPlan(kStart, kGrace, 4 * kDrainedPerSecond - 1).spread(), kGrace / 2 - absl::Milliseconds(5));
  EXPECT_EQ(DrainPlan(kStart, kGrace, 4 * kDrainedPerSecond).spread(), kGrace / 2);
  EXPECT_EQ(DrainPlan(kStart, kGrace, 4 * kDrainedPerSecond + 1).spread(), kGrace / 2);
}

TEST(DrainPlan, WithoutGraceIsOverAtOnce) {
  SameByte most(255);
  const DrainPlan plan(kStart, absl::ZeroDuration(), kMany);
  EXPECT_EQ(plan.PickTime(most), kStart);
  EXPECT_EQ(plan.end(), kStart);
}

}  // namespace
}  // namespace nmq::rpc
