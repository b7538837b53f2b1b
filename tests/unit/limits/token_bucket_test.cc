#include "server/limits/token_bucket.h"

#include "gtest/gtest.h"

namespace nmq {
namespace {

constexpr absl::Duration kStart = absl::Seconds(1000);

// Whether there is so much, which it then takes.
bool Takes(TokenBucket* bucket, uint64_t amount, absl::Duration now) {
  if (bucket->WaitFor(amount, now) > absl::ZeroDuration()) return false;
  bucket->Take(amount);
  return true;
}

TEST(TokenBucket, GivesItsBurstAtOnceAndNoMore) {
  for (const uint64_t rate : {1u, 2u, 7u, 1000u}) {
    TokenBucket bucket(rate, absl::Seconds(1));
    for (uint64_t i = 0; i < rate; ++i) EXPECT_TRUE(Takes(&bucket, 1, kStart)) << rate << " " << i;
    EXPECT_FALSE(Takes(&bucket, 1, kStart)) << rate;
  }
}

TEST(TokenBucket, SaysExactlyHowLongToWait) {
  for (const uint64_t rate : {1ul, 3ul, 100ul, 7919ul, 1'000'000'000ul, 1ul << 40}) {
    TokenBucket bucket(rate, absl::Seconds(1));
    ASSERT_TRUE(Takes(&bucket, rate, kStart));
    const uint64_t amount = (rate + 1) / 2;
    const absl::Duration wait = bucket.WaitFor(amount, kStart);
    EXPECT_GT(wait, absl::ZeroDuration());
    if (rate <= 100) EXPECT_FALSE(Takes(&bucket, amount, kStart + wait - absl::Milliseconds(1))) << rate;
    EXPECT_TRUE(Takes(&bucket, amount, kStart + wait)) << rate;
  }
}

TEST(TokenBucket, GivesInTheLongRunWhatItsRateSays) {
  TokenBucket bucket(100, absl::Milliseconds(50));
  int taken = 0;
  for (int ms = 0; ms < 10'000; ++ms) taken += Takes(&bucket, 1, kStart + absl::Milliseconds(ms)) ? 1 : 0;
  EXPECT_GE(taken, 1000);
  EXPECT_LE(taken, 1005);
}

TEST(TokenBucket, HoldsNoMoreThanItsBurstHoweverLongNobodyTakes) {
  TokenBucket bucket(10, absl::Milliseconds(500));
  EXPECT_TRUE(Takes(&bucket, 5, kStart));
  const absl::Duration later = kStart + absl::Hours(1000);
  EXPECT_TRUE(Takes(&bucket, 5, later));
  EXPECT_FALSE(Takes(&bucket, 1, later));
}

TEST(TokenBucket, HoldsOneHoweverShortItsBurst) {
  TokenBucket bucket(1, absl::Milliseconds(10));
  EXPECT_TRUE(Takes(&bucket, 1, kStart));
  EXPECT_FALSE(Takes(&bucket, 1, kStart + absl::Milliseconds(999)));
  EXPECT_TRUE(Takes(&bucket, 1, kStart + absl::Milliseconds(1000)));
}

TEST(TokenBucket, WhatIsMoreThanItHoldsIsTakenWhenItIsFullAndPaidForLater) {
  TokenBucket bucket(100, absl::Seconds(1));
  EXPECT_TRUE(Takes(&bucket, 350, kStart));
  EXPECT_EQ(bucket.WaitFor(1, kStart), absl::Milliseconds(2510));
  EXPECT_EQ(bucket.WaitFor(350, kStart), absl::Milliseconds(3500));
  EXPECT_TRUE(Takes(&bucket, 1, kStart + absl::Milliseconds(2510)));
}

TEST(TokenBucket, WhatIsGivenBackCanBeTakenAgain) {
  TokenBucket bucket(3, absl::Seconds(1));
  EXPECT_TRUE(Takes(&bucket, 3, kStart));
  bucket.GiveBack(2);
  EXPECT_TRUE(Takes(&bucket, 2, kStart));
  bucket.GiveBack(100);
  EXPECT_FALSE(Takes(&bucket, 1, kStart) && Takes(&bucket, 3, kStart));
}

TEST(TokenBucket, AnotherRateForgivesNothing) {
  TokenBucket bucket(10, absl::Seconds(1));
  EXPECT_TRUE(Takes(&bucket, 10, kStart));
  bucket.Set(10, absl::Seconds(1));
  EXPECT_FALSE(Takes(&bucket, 1, kStart));
  bucket.Set(100, absl::Seconds(1));
  EXPECT_TRUE(Takes(&bucket, 90, kStart));
  EXPECT_FALSE(Takes(&bucket, 1, kStart));
}

TEST(TokenBucket, ClockThatWasLookedAtEarlierTakesNothingAway) {
  TokenBucket bucket(10, absl::Seconds(1));
  EXPECT_TRUE(Takes(&bucket, 10, kStart));
  EXPECT_FALSE(Takes(&bucket, 1, kStart - absl::Seconds(1)));
  EXPECT_TRUE(Takes(&bucket, 1, kStart + absl::Milliseconds(100)));
}

}  // namespace
}  // namespace nmq
