#include "base/clock.h"

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

TEST(RealClock, TellsTheTimeOfDay) {
  const absl::Time before = absl::Now();
  const absl::Time now = RealClock().Now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, absl::Now());
}

TEST(RealClock, MonotonicNeverGoesBack) {
  absl::Duration last = RealClock().Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = RealClock().Monotonic();
    EXPECT_GE(now, last);
    last = now;
  }
}

TEST(SimulatedClock, AdvanceMovesBothClocks) {
  SimulatedClock clock(absl::FromUnixSeconds(100));
  const absl::Duration start = clock.Monotonic();
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.Now(), absl::FromUnixMillis(101500));
  EXPECT_EQ(clock.Monotonic() - start, absl::Milliseconds(1500));
}

TEST(SimulatedClock, SetWallLeavesTheMonotonicClockAlone) {
  SimulatedClock clock;
  const absl::Duration start = clock.Monotonic();
  clock.SetWall(absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.Monotonic(), start);
}

}  // namespace
}  // namespace nmq
