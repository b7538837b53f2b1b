#include "client/cpp/backoff.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

BackoffOptions Options() { return {.initial = absl::Milliseconds(100), .max = absl::Seconds(1), .factor = 2}; }

TEST(Backoff, BoundDoublesUpToTheMaximum) {
  Backoff backoff(Options(), [] { return 1.0; });
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(200));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(400));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(800));
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(Backoff, ResetStartsOver) {
  Backoff backoff(Options(), [] { return 1.0; });
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
}

TEST(Backoff, JitterReachesDownToZero) {
  Backoff backoff(Options(), [] { return 0.0; });
  EXPECT_EQ(backoff.Next(), absl::ZeroDuration());
}

TEST(Backoff, JitterScalesTheBound) {
  Backoff backoff(Options(), [] { return 0.25; });
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(25));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(50));
}

TEST(Backoff, InitialAboveTheMaximumIsCut) {
  Backoff backoff({.initial = absl::Seconds(9), .max = absl::Seconds(1)}, [] { return 1.0; });
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(RandomFraction, StaysInItsRange) {
  for (int i = 0; i < 1000; ++i) {
    const double value = RandomFraction();
    EXPECT_GE(value, 0.0);
    EXPECT_LT(value, 1.0);
  }
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
