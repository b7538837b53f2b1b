#include "base/random.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/names.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  void Fill(absl::Span<uint8_t> bytes) override {
    ASSERT_EQ(bytes.size(), bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), bytes.begin());
  }

 private:
  std::vector<uint8_t> bytes_;
};

TEST(RandomFraction, IsFromZeroUpToOne) {
  FixedRandom least({0, 0, 0, 0});
  FixedRandom half({0, 0, 0, 128});
  FixedRandom most({255, 255, 255, 255});
  EXPECT_EQ(RandomFraction(least), 0);
  EXPECT_EQ(RandomFraction(half), 0.5);
  EXPECT_LT(RandomFraction(most), 1);
  EXPECT_GT(RandomFraction(most), 0.999'999);
}

TEST(SystemRandom, FillsEveryByte) {
  // 64 fills leave some byte at zero with probability 1e-151.
  std::vector<uint8_t> seen(1000);
  for (int i = 0; i < 64; ++i) {
    std::vector<uint8_t> bytes(seen.size());
    SystemRandom().Fill(absl::MakeSpan(bytes));
    for (size_t j = 0; j < seen.size(); ++j) seen[j] |= bytes[j];
  }
  for (const uint8_t byte : seen) EXPECT_NE(byte, 0);
  SystemRandom().Fill({});
}

TEST(RandomName, WritesEveryBitAsBase32) {
  const auto name = [](std::vector<uint8_t> bytes) {
    const size_t size = bytes.size();
    FixedRandom random(std::move(bytes));
    return RandomName(random, size);
  };
  EXPECT_EQ(name({}), "");
  EXPECT_EQ(name({0}), "aa");
  EXPECT_EQ(name({0xff}), "74");
  EXPECT_EQ(name({0x12, 0x34, 0x56, 0x78, 0x9a}), "ci2fm6e2");
  EXPECT_EQ(name({'f', 'o', 'o', 'b', 'a', 'r'}), "mzxw6ytboi");
  EXPECT_EQ(name(std::vector<uint8_t>(40, 0xff)), std::string(64, '7'));
}

TEST(RandomName, IsANameAndDoesNotRepeat) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = RandomName(SystemRandom(), 16);
    EXPECT_EQ(name.size(), 26u);
    EXPECT_TRUE(CheckName("name", name).ok()) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

}  // namespace
}  // namespace nmq
