#include "server/rpc/stream_age.h"

#include <set>

#include "absl/time/time.h"
#include "base/errors.h"
#include "base/random.h"
#include "gtest/gtest.h"
#include "tests/testing/same_byte.h"

namespace nmq::rpc {
namespace {

TEST(StreamLife, IsTheAgeAtTheMost) {
  SameByte zero(0);
  EXPECT_EQ(StreamLife(absl::Seconds(10), zero), absl::Seconds(10));
}

TEST(StreamLife, IsNineTenthsOfTheAgeAtTheLeast) {
  SameByte most(255);
  const absl::Duration life = StreamLife(absl::Hours(24 * 365), most);
  EXPECT_GT(life, absl::Hours(24 * 365) * 0.9);
  EXPECT_LT(life, absl::Hours(24 * 365) * 0.9001);
}

TEST(StreamLife, IsAnotherOneEachTime) {
  std::set<absl::Duration> lives;
  for (int i = 0; i < 100; ++i) lives.insert(StreamLife(absl::Hours(1), SystemRandom()));
  EXPECT_GT(lives.size(), 50);
}

TEST(StreamAged, SaysSoToPrograms) {
  EXPECT_EQ(StreamAged().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(StreamAged()), "STREAM_AGED");
}

}  // namespace
}  // namespace nmq::rpc
