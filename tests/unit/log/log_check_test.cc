#include "server/log/log_check.h"

#include <string>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

// Three records of one byte, "a", "b" and "c", as RocksDB writes them.
std::string Block() {
  return std::string(
             "\xb5\xcd\x0b\xa2\x01\x00\x01"
             "a",
             8) +
         std::string(
             "\x54\xaf\xe3\xba\x01\x00\x01"
             "b",
             8) +
         std::string(
             "\x83\x0b\xea\xc0\x01\x00\x01"
             "c",
             8);
}

TEST(LogCheck, WholeBlockIsFine) {
  EXPECT_EQ(FindDamagedLength(Block()), std::nullopt);
  EXPECT_EQ(FindDamagedLength(""), std::nullopt);
}

TEST(LogCheck, TornLastRecordIsFine) {
  const std::string block = Block();
  for (size_t bytes = 0; bytes < block.size(); ++bytes) {
    EXPECT_EQ(FindDamagedLength(block.substr(0, bytes)), std::nullopt) << bytes;
  }
}

TEST(LogCheck, LengthBeyondTheEndBeforeWholeRecordsIsDamage) {
  for (const size_t record : {0u, 8u}) {
    std::string block = Block();
    block[record + 4] = '\x7f';
    EXPECT_EQ(FindDamagedLength(block), record);
    block = Block();
    block[record + 5] = '\x01';
    EXPECT_EQ(FindDamagedLength(block), record);
  }
  std::string block = Block();
  block[16 + 4] = '\x7f';
  EXPECT_EQ(FindDamagedLength(block), std::nullopt) << "like one that was not written to its end";
}

}  // namespace
}  // namespace nmq::log
