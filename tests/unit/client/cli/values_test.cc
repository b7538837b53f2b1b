#include "client/cli/values.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(ParseCount, TakesDigitsCommasAndThousands) {
  EXPECT_EQ(ParseCount("0"), 0u);
  EXPECT_EQ(ParseCount("1,000"), 1000u);
  EXPECT_EQ(ParseCount("10k"), 10'000u);
  EXPECT_EQ(ParseCount("1.5M"), 1'500'000u);
  for (const char* text : {"", "abc", "-1", "1.5", "1 2", "k", "99999999999999999999", "1e3", "0x10"}) {
    EXPECT_EQ(ParseCount(text), std::nullopt) << text;
  }
}

TEST(ParseSize, TakesUnitsOfThousandsAndOf1024) {
  EXPECT_EQ(ParseSize("4096"), 4096u);
  EXPECT_EQ(ParseSize("10MB"), 10'000'000u);
  EXPECT_EQ(ParseSize("64KiB"), 65536u);
  EXPECT_EQ(ParseSize("64 kib"), 65536u);
  EXPECT_EQ(ParseSize("2G"), uint64_t{2} << 30);
  EXPECT_EQ(ParseSize("1.5GiB"), uint64_t{3} << 29);
  for (const char* text : {"", "MB", "10QB", "-1", "10MBB", "1.5", "99999999999PB"}) {
    EXPECT_EQ(ParseSize(text), std::nullopt) << text;
  }
}

TEST(ParseSpan, TakesUnitsUpToWeeks) {
  EXPECT_EQ(ParseSpan("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(ParseSpan("10m"), absl::Minutes(10));
  EXPECT_EQ(ParseSpan("10min"), absl::Minutes(10));
  EXPECT_EQ(ParseSpan("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ParseSpan("2d"), absl::Hours(48));
  EXPECT_EQ(ParseSpan("1w1d"), absl::Hours(24 * 8));
  EXPECT_EQ(ParseSpan("0.5d"), absl::Hours(12));
  EXPECT_EQ(ParseSpan("0"), absl::ZeroDuration());
  for (const char* text : {"", "10", "soon", "-1s", "inf", "1y", "s", "1 d", "1h30"}) {
    EXPECT_EQ(ParseSpan(text), std::nullopt) << text;
  }
}

TEST(ParseWhen, ADateWithoutAZoneIsLocal) {
  const absl::TimeZone east = absl::FixedTimeZone(3600);
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_EQ(ParseWhen("2026-01-31T12:00:00Z", now, east), absl::FromUnixSeconds(1769860800));
  EXPECT_EQ(ParseWhen("2026-01-31T12:00:00", now, east), absl::FromUnixSeconds(1769860800 - 3600));
  EXPECT_EQ(ParseWhen("2026-01-31 12:00", now, east), absl::FromUnixSeconds(1769860800 - 3600));
  EXPECT_EQ(ParseWhen("2026-01-31", now, east), absl::FromUnixSeconds(1769860800 - 13 * 3600));
  EXPECT_EQ(ParseWhen("10m", now, east), now - absl::Minutes(10));
  for (const char* text : {"", "soon", "2026-02-31", "2026", "31.1.2026"}) {
    EXPECT_EQ(ParseWhen(text, now, east), std::nullopt) << text;
  }
}

TEST(SpanText, SaysDays) {
  EXPECT_EQ(SpanText(absl::Seconds(90)), "1m30s");
  EXPECT_EQ(SpanText(absl::Hours(48)), "2d");
  EXPECT_EQ(SpanText(absl::Hours(36)), "1d12h");
}

}  // namespace
}  // namespace cli
}  // namespace nmq
