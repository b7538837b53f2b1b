#include "server/log/log_check.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/log/crc32c.h"

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

constexpr uint8_t kWhole = 1;
constexpr uint8_t kFirst = 2;
constexpr uint8_t kMiddle = 3;
constexpr uint8_t kLast = 4;
constexpr size_t kHeaderBytes = 7;

std::string LittleEndian(uint64_t number, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(number >> (8 * i)));
  return text;
}

std::string Part(uint8_t type, const std::string& data) {
  return LittleEndian(MaskedCrc32c(static_cast<char>(type) + data), 4) + LittleEndian(data.size(), 2) +
         static_cast<char>(type) + data;
}

// Some changes, with `bytes` of what they are.
std::string Changes(uint64_t first, uint64_t count, size_t bytes) {
  return LittleEndian(first, 8) + LittleEndian(count, 4) + std::string(bytes, 'c');
}

// A log that has these records, as RocksDB writes them.
std::string Log(const std::vector<std::string>& records) {
  std::string log;
  for (const std::string& record : records) {
    size_t at = 0;
    bool first = true;
    do {
      size_t room = kLogBlockBytes - log.size() % kLogBlockBytes;
      if (room < kHeaderBytes) {
        log.append(room, '\0');
        room = kLogBlockBytes;
      }
      const std::string data = record.substr(at, room - kHeaderBytes);
      at += data.size();
      const bool last = at == record.size();
      log += Part(first ? (last ? kWhole : kFirst) : (last ? kLast : kMiddle), data);
      first = false;
    } while (at < record.size());
  }
  return log;
}

LogScanner Scan(const std::string& log) {
  LogScanner scanner;
  for (size_t at = 0; at < log.size(); at += kLogBlockBytes) {
    scanner.Add(absl::string_view(log).substr(at, kLogBlockBytes));
  }
  return scanner;
}

// Three records: in one block, over three blocks, and after a block that has just room for an empty first part.
std::vector<std::string> Records() {
  const size_t used = 2 * kHeaderBytes + 12 + 100 + (12 + 70'000 + 2 * kHeaderBytes);
  const size_t fill = kLogBlockBytes - used % kLogBlockBytes - 2 * kHeaderBytes - 12;
  return {Changes(10, 3, 100), Changes(13, 1, 70'000), Changes(14, 2, fill), Changes(16, 1, 10)};
}

TEST(LogScanner, FindsTheLastChange) {
  const std::string log = Log(Records());
  const LogScanner scanner = Scan(log);
  EXPECT_EQ(scanner.last_change(), 16u);
  EXPECT_EQ(scanner.end(), log.size());
  EXPECT_EQ(scanner.bytes(), log.size());
  EXPECT_FALSE(scanner.damaged());
  EXPECT_EQ(FirstChange(log.substr(0, kLogStartBytes)), 10u);
}

TEST(LogScanner, LogWithoutChangesHasNone) {
  EXPECT_EQ(Scan("").last_change(), 0u);
  EXPECT_EQ(Scan("").end(), 0u);
  EXPECT_EQ(FirstChange(""), std::nullopt);
  EXPECT_EQ(FirstChange(std::string(kLogStartBytes, '\0')), std::nullopt);
  // A record of nothing, as a sync of all before it writes one.
  const LogScanner scanner = Scan(Log({Changes(10, 0, 0)}));
  EXPECT_EQ(scanner.last_change(), 0u);
  EXPECT_EQ(scanner.end(), kLogStartBytes);
}

TEST(LogScanner, WhereverItIsCutOrZeroedTheRestIsTorn) {
  const std::vector<std::string> records = Records();
  const std::string log = Log(records);
  const std::vector<size_t> ends = {0, Log({records[0]}).size(), Log({records[0], records[1]}).size(),
                                    Log({records[0], records[1], records[2]}).size()};
  const std::vector<uint64_t> changes = {0, 12, 13, 15};
  size_t whole = 0;
  // Every offset near an end, and some of the others.
  for (size_t at = 0; at < log.size(); at += log.size() - at < 60 || at % kLogBlockBytes < 9 ? 1 : 997) {
    while (whole + 1 < ends.size() && ends[whole + 1] <= at) ++whole;
    for (const std::string& left : {log.substr(0, at), log.substr(0, at) + std::string(log.size() - at, '\0'),
                                    log.substr(0, at) + std::string(70'000, '\0')}) {
      const LogScanner scanner = Scan(left);
      ASSERT_EQ(scanner.end(), ends[whole]) << at;
      ASSERT_EQ(scanner.last_change(), changes[whole]) << at;
      ASSERT_EQ(scanner.bytes(), left.size());
      ASSERT_FALSE(scanner.damaged()) << at;
    }
  }
}

TEST(LogScanner, RecordBehindOneThatIsNotWholeIsDamage) {
  const std::string log = Log(Records());
  // The last record is not followed by another.
  const size_t last = Log({Records()[0], Records()[1], Records()[2]}).size();
  for (size_t at = 0; at < last; at += 499) {
    std::string damaged = log;
    damaged[at] = static_cast<char>(~damaged[at]);
    const LogScanner scanner = Scan(damaged);
    ASSERT_LE(scanner.end(), at);
    ASSERT_TRUE(scanner.damaged()) << at;
  }
  std::string hole = log;
  std::fill_n(hole.begin() + 30'000, 10'000, '\0');
  EXPECT_TRUE(Scan(hole).damaged());
}

TEST(LogScanner, MoreOfARecordThatIsNotWholeIsNoDamage) {
  const std::string log = Log({Changes(10, 3, 100), Changes(13, 1, 100'000)});
  std::string torn = log;
  std::fill_n(torn.begin() + 200, 4096, '\0');
  EXPECT_FALSE(Scan(torn).damaged());
  EXPECT_EQ(Scan(torn).last_change(), 12u);
}

TEST(LogScanner, PartsThatDoNotFollowAreDamage) {
  const std::string data = Changes(10, 1, 5);
  EXPECT_TRUE(Scan(Part(kLast, data)).damaged());
  EXPECT_TRUE(Scan(Part(kMiddle, data)).damaged());
  EXPECT_TRUE(Scan(Part(kFirst, data) + Part(kWhole, data)).damaged());
  EXPECT_TRUE(Scan(Part(kWhole, "short")).damaged());
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
