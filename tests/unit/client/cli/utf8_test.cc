#include "client/cli/utf8.h"

#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

TEST(IsUtf8, AcceptsTextOfAllLengths) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("\xc2\x80"));
  EXPECT_TRUE(IsUtf8("\xe0\xa0\x80"));
  EXPECT_TRUE(IsUtf8("\xed\x9f\xbf\xee\x80\x80"));
  EXPECT_TRUE(IsUtf8("\xf0\x90\x80\x80"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(IsUtf8, RefusesOverlongForms) {
  EXPECT_FALSE(IsUtf8("\xc0\x80"));
  EXPECT_FALSE(IsUtf8("\xc1\xbf"));
  EXPECT_FALSE(IsUtf8("\xe0\x9f\xbf"));
  EXPECT_FALSE(IsUtf8("\xf0\x8f\xbf\xbf"));
}

TEST(IsUtf8, RefusesSurrogatesAndWhatIsBeyondUnicode) {
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xf5\x80\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xff"));
}

TEST(IsUtf8, RefusesCutAndStrayBytes) {
  EXPECT_FALSE(IsUtf8("\x80"));
  EXPECT_FALSE(IsUtf8("\xc3"));
  EXPECT_FALSE(IsUtf8("\xe2\x82"));
  EXPECT_FALSE(IsUtf8("\xf0\x9d\x84"));
  EXPECT_FALSE(IsUtf8("\xc3("));
}

}  // namespace
}  // namespace cli
}  // namespace nmq
