#include "client/cli/human.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
namespace cli {
namespace {

TEST(Count, GroupsThousands) {
  EXPECT_EQ(Count(0), "0");
  EXPECT_EQ(Count(999), "999");
  EXPECT_EQ(Count(1000), "1,000");
  EXPECT_EQ(Count(1234567), "1,234,567");
}

TEST(Bytes, PicksTheUnitThatReadsBest) {
  EXPECT_EQ(Bytes(0), "0 B");
  EXPECT_EQ(Bytes(1023), "1023 B");
  EXPECT_EQ(Bytes(1024), "1.0 KiB");
  EXPECT_EQ(Bytes(1536), "1.5 KiB");
  EXPECT_EQ(Bytes(10 * 1024), "10 KiB");
  EXPECT_EQ(Bytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(Bytes(64 << 20), "64 MiB");
  EXPECT_EQ(Bytes(std::numeric_limits<uint64_t>::max()), "16 EiB");
}

TEST(Age, SaysTheTwoLargestUnits) {
  EXPECT_EQ(Age(absl::Milliseconds(900)), "0s");
  EXPECT_EQ(Age(absl::Seconds(59)), "59s");
  EXPECT_EQ(Age(absl::Seconds(200)), "3m 20s");
  EXPECT_EQ(Age(absl::Minutes(245)), "4h 5m");
  EXPECT_EQ(Age(absl::Hours(291)), "12d 3h");
  EXPECT_EQ(Age(-absl::Seconds(5)), "0s");
}

TEST(Rate, KeepsADigitWhenSmall) {
  EXPECT_EQ(Rate(0), "0");
  EXPECT_EQ(Rate(-1), "0");
  EXPECT_EQ(Rate(0.49), "0.5");
  EXPECT_EQ(Rate(12.4), "12");
  EXPECT_EQ(Rate(1234567), "1,234,567");
}

TEST(Rfc3339, IsUtcWithMicroseconds) {
  EXPECT_EQ(Rfc3339(absl::FromUnixMicros(1700000000123456)), "2023-11-14T22:13:20.123456Z");
}

TEST(EnumName, LeavesTheTypeOut) {
  EXPECT_EQ(EnumName(v1::OVERFLOW_DROP_OLDEST), "DROP_OLDEST");
  EXPECT_EQ(EnumName(v1::GAP_REASON_EPOCH_CHANGED), "EPOCH_CHANGED");
  EXPECT_EQ(EnumName(static_cast<v1::Overflow>(99)), "99");
  EXPECT_EQ(EnumWords("DROP_OLDEST"), "drop oldest");
}

TEST(OneLine, EscapesWhatWouldBreakTheLine) {
  EXPECT_EQ(OneLine("a\nb\tc\x1b[0m"), "a\\nb\\tc\\033[0m");
  EXPECT_EQ(OneLine("größer"), "größer");
  EXPECT_EQ(OneLine("\xff!"), "\\xff!");
  EXPECT_EQ(OneLine("gr\xc3\xb6\xc3\x9f\x65r\xff"), "größer\\xff");
  // Of Unicode, and terminals obey it.
  EXPECT_EQ(OneLine("\xc2\x9b"), "\\xc2\\x9b");
}

TEST(Quoted, IsCutWhenItIsLong) {
  EXPECT_EQ(Quoted("größer"), "\"größer\"");
  EXPECT_EQ(Quoted(std::string(300, 'a')), absl::StrCat("\"", std::string(47, 'a'), "…\""));
}

}  // namespace
}  // namespace cli
}  // namespace nmq
