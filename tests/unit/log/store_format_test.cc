#include "server/log/store_format.h"

#include <string>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

// The example in server/log/FORMAT.md.
TEST(StoreFormat, IsWhatItsPageShows) {
  EXPECT_EQ(MessageKey(7, 3).bytes(), absl::string_view("\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x03", 16));
  std::string value;
  AppendMessageValue({0, 1'700'000'000'000'000, 5, "", "hello"}, &value);
  SetMessageTotal(193, value.data());
  EXPECT_EQ(value, std::string("\xc1\0\0\0\0\0\0\0\0\x40\x1e\x18\x24\x0a\x06\0\x05\0\0\0\0\0\0\0\0\0\0\0hello", 33));
  EXPECT_EQ(FirstKey(7), std::string("first/\0\0\0\0\0\0\0\x07", 14));
}

TEST(StoreFormat, ValuesComeBack) {
  std::string bytes;
  AppendMessageValue({UINT64_MAX, -5, 1, "audience", ""}, &bytes);
  MessageValue value;
  ASSERT_TRUE(ParseMessageValue(bytes, &value));
  EXPECT_EQ(value.total, UINT64_MAX);
  EXPECT_EQ(value.time_us, -5);
  EXPECT_EQ(value.stamp, 1u);
  EXPECT_EQ(value.audience, "audience");
  EXPECT_EQ(value.entry, "");
}

TEST(StoreFormat, ValuesThatEndTooEarlyAreDamaged) {
  std::string bytes;
  AppendMessageValue({1, 2, 3, "audience", ""}, &bytes);
  MessageValue value;
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ParseMessageValue(absl::string_view(bytes).substr(0, size), &value)) << size;
  }
}

TEST(StoreFormat, KeysAreInTheOrderOfQueuesAndSequences) {
  EXPECT_LT(MessageKey(1, 255).bytes(), MessageKey(1, 256).bytes());
  EXPECT_LT(MessageKey(1, UINT64_MAX).bytes(), MessageKey(2, 0).bytes());
  EXPECT_LT(MessageKey(255, 9).bytes(), MessageKey(256, 1).bytes());
  uint64_t queue;
  uint64_t sequence;
  ASSERT_TRUE(ParseMessageKey(MessageKey(UINT64_MAX, 1234567).bytes(), &queue, &sequence));
  EXPECT_EQ(queue, UINT64_MAX);
  EXPECT_EQ(sequence, 1234567u);
  EXPECT_FALSE(ParseMessageKey("short", &queue, &sequence));
}

TEST(StoreFormat, PrefixesEndBeforeTheNextKey) {
  EXPECT_EQ(AfterPrefix("a"), "b");
  EXPECT_EQ(AfterPrefix("a\xff\xff"), "b");
  EXPECT_EQ(AfterPrefix("\xff"), "");
  EXPECT_EQ(AfterPrefix(""), "");
}

}  // namespace
}  // namespace nmq::log
