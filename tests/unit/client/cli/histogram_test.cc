#include "client/cli/histogram.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(Histogram, QuantilesAreThoseOfTheTimesToThreePercent) {
  Histogram times;
  for (int i = 1; i <= 1000; ++i) times.Add(absl::Microseconds(i * 10));
  EXPECT_EQ(times.count(), 1000u);
  EXPECT_EQ(times.least(), absl::Microseconds(10));
  EXPECT_EQ(times.most(), absl::Milliseconds(10));
  EXPECT_NEAR(absl::ToDoubleMicroseconds(times.Quantile(0.5)), 5000, 150);
  EXPECT_NEAR(absl::ToDoubleMicroseconds(times.Quantile(0.99)), 9900, 300);
  EXPECT_EQ(times.Quantile(1), absl::Milliseconds(10));
  EXPECT_EQ(times.mean(), absl::Microseconds(5005));
}

TEST(Histogram, TakesInAnotherOne) {
  Histogram one;
  Histogram two;
  one.Add(absl::Milliseconds(5));
  two.Add(absl::Milliseconds(1));
  two.Add(absl::Hours(1000));
  one.Merge(two);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one.least(), absl::Milliseconds(1));
  EXPECT_EQ(one.most(), absl::Hours(1000));
}

TEST(Histogram, BarsAreAtMostTenAndFit) {
  Histogram times;
  EXPECT_EQ(times.Bars(80), "");
  for (int i = 1; i <= 100'000; i *= 2) times.Add(absl::Microseconds(i));
  const std::string bars = times.Bars(80);
  EXPECT_LE(std::count(bars.begin(), bars.end(), '\n'), 10);
  EXPECT_GE(std::count(bars.begin(), bars.end(), '\n'), 8);
  size_t width = 0;
  for (const char c : bars) {
    width = c == '\n' ? 0 : width + 1;
    EXPECT_LE(width, 80u);
  }
}

TEST(TimeText, HasThreeDigits) {
  EXPECT_EQ(TimeText(absl::Microseconds(812)), "812 us");
  EXPECT_EQ(TimeText(absl::Microseconds(1234)), "1.23 ms");
  EXPECT_EQ(TimeText(absl::Milliseconds(45'600)), "45.6 s");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
