#include "server/log/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

uint32_t Unmasked(absl::string_view bytes) {
  const uint32_t rotated = MaskedCrc32c(bytes) - 0xa282ead8u;
  return rotated >> 17 | rotated << 15;
}

// As RFC 3720, B.4, has them.
TEST(Crc32c, IsAsStandardized) {
  EXPECT_EQ(Unmasked("123456789"), 0xe3069283u);
  EXPECT_EQ(Unmasked(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Unmasked(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising.push_back(c);
  EXPECT_EQ(Unmasked(rising), 0x46dd794eu);
  EXPECT_EQ(Unmasked(""), 0u);
}

TEST(Crc32c, SeesEveryBitOfAnyLength) {
  for (size_t bytes = 1; bytes < 40; ++bytes) {
    std::string text(bytes, 'a');
    const uint32_t right = MaskedCrc32c(text);
    for (size_t bit = 0; bit < 8 * bytes; ++bit) {
      text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
      EXPECT_NE(MaskedCrc32c(text), right) << bytes << " bytes, bit " << bit;
      text[bit / 8] = 'a';
    }
  }
}

}  // namespace
}  // namespace nmq::log
