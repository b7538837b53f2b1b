#include "tests/bench/peers/consumer_threads.h"

#include <gtest/gtest.h>

#include <atomic>

namespace nmq::bench {
namespace {

TEST(RunInThreads, EachNumberRunsOnce) {
  std::atomic<int> sum{0};
  EXPECT_TRUE(RunInThreads(4, [&](int number) {
                sum += 1 << (4 * number);
                return absl::OkStatus();
              }).ok());
  EXPECT_EQ(sum, 0x1111);
}

TEST(RunInThreads, FailureOfOneIsTheResult) {
  const absl::Status status =
      RunInThreads(3, [](int number) { return number == 1 ? absl::NotFoundError("one") : absl::OkStatus(); });
  EXPECT_EQ(status, absl::NotFoundError("one"));
}

TEST(Share, GivesNoMoreThanThereIs) {
  Share share(300);
  EXPECT_EQ(share.Take(256), 256u);
  EXPECT_EQ(share.Take(256), 44u);
  EXPECT_EQ(share.Take(256), 0u);
}

TEST(Share, WhatIsReturnedCanBeTakenAgain) {
  Share share(10);
  EXPECT_EQ(share.Take(10), 10u);
  share.Return(3);
  EXPECT_EQ(share.Take(10), 3u);
}

}  // namespace
}  // namespace nmq::bench
