#include "tests/bench/harness/payload.h"

#include <gtest/gtest.h>

namespace nmq::bench {
namespace {

TEST(Payload, CarriesItsStamp) {
  const std::string payload = MakePayload({123456789, 65535, (uint64_t{1} << 48) - 1}, 128);
  EXPECT_EQ(payload.size(), 128u);
  Stamp stamp;
  ASSERT_TRUE(ReadStamp(payload, &stamp));
  EXPECT_EQ(stamp.time, 123456789);
  EXPECT_EQ(stamp.publisher, 65535);
  EXPECT_EQ(stamp.number, (uint64_t{1} << 48) - 1);
}

TEST(Payload, IsNeverShorterThanItsStamp) {
  Stamp stamp;
  EXPECT_TRUE(ReadStamp(MakePayload({1, 2, 3}, 0), &stamp));
  EXPECT_EQ(stamp.number, 3u);
}

TEST(Payload, TooShortOneHasNoStamp) {
  Stamp stamp;
  EXPECT_FALSE(ReadStamp(std::string(kStampBytes - 1, 'x'), &stamp));
}

TEST(OrderCheck, WholeSeriesMayNotSkip) {
  OrderCheck check(/*whole=*/true);
  EXPECT_TRUE(check.Heard({0, 0, 0}));
  EXPECT_TRUE(check.Heard({0, 0, 1}));
  EXPECT_FALSE(check.Heard({0, 0, 3}));
  EXPECT_TRUE(check.Heard({0, 0, 4}));
}

TEST(OrderCheck, PartOfASeriesMaySkipButNotGoBack) {
  OrderCheck check(/*whole=*/false);
  EXPECT_TRUE(check.Heard({0, 0, 5}));
  EXPECT_TRUE(check.Heard({0, 0, 9}));
  EXPECT_FALSE(check.Heard({0, 0, 9}));
  EXPECT_FALSE(check.Heard({0, 0, 7}));
}

TEST(OrderCheck, PublishersAreCountedApart) {
  OrderCheck check(/*whole=*/true);
  EXPECT_TRUE(check.Heard({0, 3, 0}));
  EXPECT_TRUE(check.Heard({0, 1, 0}));
  EXPECT_TRUE(check.Heard({0, 3, 1}));
}

}  // namespace
}  // namespace nmq::bench
