#include "server/log/audience.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

TEST(Audience, IsReadAsItWasWritten) {
  for (const bool everyone : {false, true}) {
    for (const int64_t expire_us : {int64_t{0}, int64_t{1'700'000'000'000'000}}) {
      Audience audience;
      audience.everyone = everyone;
      audience.targets = {1, uint64_t{1} << 63};
      audience.excepts = {7};
      audience.expire_us = expire_us;
      Audience read;
      read.targets = {99};
      read.expire_us = 99;
      ASSERT_TRUE(DecodeAudience(EncodeAudience(audience), &read));
      EXPECT_EQ(read.everyone, everyone);
      EXPECT_EQ(read.targets, audience.targets);
      EXPECT_EQ(read.excepts, audience.excepts);
      EXPECT_EQ(read.expire_us, expire_us);
    }
  }
}

TEST(Audience, WithoutATimeIsWrittenAsEver) {
  Audience audience;
  audience.targets = {2};
  EXPECT_EQ(EncodeAudience(audience), std::string("\0\1\0\0\0\2\0\0\0\0\0\0\0", 13));
}

TEST(Audience, BytesThatAreNoneAreRefused) {
  Audience audience;
  EXPECT_FALSE(DecodeAudience("", &audience));
  EXPECT_FALSE(DecodeAudience(std::string(4, '\0'), &audience));
  EXPECT_FALSE(DecodeAudience(std::string(6, '\0'), &audience));
  EXPECT_FALSE(DecodeAudience(std::string("\0\1\0\0\0", 5), &audience)) << "a target is missing";
  EXPECT_FALSE(DecodeAudience(std::string("\2\0\0\0\0", 5), &audience)) << "the time is missing";
  EXPECT_FALSE(DecodeAudience(std::string("\2\0\0\0\0\0\0\0\0\0\0\0\0", 13), &audience)) << "the time is never";
  EXPECT_FALSE(DecodeAudience(std::string("\4\0\0\0\0", 5), &audience)) << "nobody writes this flag";
  EXPECT_FALSE(DecodeAudience(std::string("\2\1\0\0\0\1\0\0\0\0\0\0\0", 13), &audience));
}

TEST(Audience, ExpiresAtItsTime) {
  Audience audience;
  EXPECT_FALSE(audience.expired(INT64_MAX));
  audience.expire_us = 10;
  EXPECT_FALSE(audience.expired(9));
  EXPECT_TRUE(audience.expired(10));
}

}  // namespace
}  // namespace nmq::log
