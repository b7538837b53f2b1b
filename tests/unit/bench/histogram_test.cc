#include "tests/bench/harness/histogram.h"

#include <gtest/gtest.h>

namespace nmq::bench {
namespace {

TEST(Histogram, EmptyOneHasZeroQuantiles) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Add(i);
  EXPECT_EQ(histogram.Quantile(0), 1);
  EXPECT_EQ(histogram.Quantile(0.5), 50);
  EXPECT_EQ(histogram.Quantile(0.99), 99);
  EXPECT_EQ(histogram.Quantile(1), 100);
}

TEST(Histogram, LargeValuesAreWithinOneSixtyFourth) {
  for (int64_t value = 1; value < int64_t{1} << 40; value = value * 5 / 4 + 1) {
    Histogram histogram;
    histogram.Add(value);
    histogram.Add(int64_t{1} << 39);
    const int64_t found = histogram.Quantile(0.5);
    EXPECT_GE(found, std::min(value, int64_t{1} << 39));
    EXPECT_LE(found, value + value / 64);
  }
}

TEST(Histogram, QuantileIsNeverAboveTheLargestValue) {
  Histogram histogram;
  histogram.Add(1000001);
  EXPECT_EQ(histogram.Quantile(0.999), 1000001);
  EXPECT_EQ(histogram.max(), 1000001);
}

TEST(Histogram, TakesWhatIsOutOfRangeAsTheNearestValue) {
  Histogram histogram;
  histogram.Add(-5);
  EXPECT_EQ(histogram.Quantile(1), 0);
  histogram.Add(INT64_MAX);
  EXPECT_EQ(histogram.Quantile(1), (int64_t{1} << 40) - 1);
  EXPECT_EQ(histogram.count(), 2u);
}

TEST(Histogram, MergedOneHoldsBoth) {
  Histogram low, high;
  for (int i = 0; i < 90; ++i) low.Add(10);
  for (int i = 0; i < 10; ++i) high.Add(100);
  low.Merge(high);
  EXPECT_EQ(low.count(), 100u);
  EXPECT_EQ(low.Quantile(0.9), 10);
  EXPECT_EQ(low.Quantile(0.91), 100);
  EXPECT_EQ(low.max(), 100);
}

}  // namespace
}  // namespace nmq::bench
