#include "server/http2/leaving.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);

TEST(Leaving, LastIsToldOnceWhenTheNoticeIsAnswered) {
  Leaving leaving;
  EXPECT_FALSE(leaving.leaves());
  EXPECT_FALSE(leaving.OnNoticed());
  EXPECT_TRUE(leaving.Begin(kNow));
  EXPECT_TRUE(leaving.leaves());
  EXPECT_FALSE(leaving.TellLast());
  EXPECT_TRUE(leaving.OnNoticed());
  EXPECT_TRUE(leaving.TellLast());
  EXPECT_FALSE(leaving.TellLast());
  EXPECT_FALSE(leaving.OnNoticed());
}

TEST(Leaving, LastIsToldAfterAMomentWithoutAnAnswer) {
  Leaving leaving;
  EXPECT_FALSE(leaving.OnTick(kNow));
  ASSERT_TRUE(leaving.Begin(kNow));
  EXPECT_FALSE(leaving.OnTick(kNow + Leaving::kNotice - absl::Milliseconds(1)));
  EXPECT_TRUE(leaving.OnTick(kNow + Leaving::kNotice));
  EXPECT_TRUE(leaving.TellLast());
  EXPECT_FALSE(leaving.OnTick(kNow + absl::Hours(1)));
}

TEST(Leaving, WhoHurriesWaitsForNoAnswer) {
  Leaving leaving;
  EXPECT_TRUE(leaving.Hurry());
  EXPECT_FALSE(leaving.Begin(kNow));
  EXPECT_TRUE(leaving.TellLast());
  EXPECT_FALSE(leaving.Hurry());
}

}  // namespace
}  // namespace nmq::http2
