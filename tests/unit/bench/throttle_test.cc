#include "tests/bench/harness/throttle.h"

#include <gtest/gtest.h>

namespace nmq::bench {
namespace {

TEST(Throttle, HoldsBackUntilMoreIsHeard) {
  uint64_t heard = 0;
  Throttle throttle(10, [&heard] { return heard; });
  EXPECT_TRUE(throttle.Admit(6));
  EXPECT_TRUE(throttle.Admit(6));
  EXPECT_FALSE(throttle.Admit(6));
  heard = 3;
  EXPECT_TRUE(throttle.Admit(6));
  EXPECT_FALSE(throttle.Admit(6));
}

TEST(Throttle, AsksOnlyWhenItMust) {
  int asked = 0;
  Throttle throttle(10, [&asked] { return static_cast<uint64_t>(10 * ++asked); });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(throttle.Admit(1));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(throttle.Admit(1));
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace nmq::bench
