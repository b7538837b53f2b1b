#include "server/log/sync_marks.h"

#include <string>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

SyncMark Mark(uint64_t generation, size_t logs) {
  SyncMark mark;
  mark.generation = generation;
  for (size_t i = 1; i <= logs; ++i) mark.logs.push_back({i, 1000 * i});
  return mark;
}

std::string Zeros() { return std::string(kSyncMarkBytes, '\0'); }

TEST(SyncMarks, AreReadAsTheyWereWritten) {
  for (const size_t logs : {size_t{0}, size_t{1}, size_t{7}, kSyncMarkLogsMax}) {
    const std::string bytes = EncodeSyncMark(Mark(5, logs));
    EXPECT_EQ(bytes.size(), kSyncMarkBytes);
    const auto mark = DecodeSyncMarks(Zeros() + bytes);
    ASSERT_TRUE(mark.has_value());
    EXPECT_EQ(mark->generation, 5u);
    ASSERT_EQ(mark->logs.size(), logs);
    for (size_t i = 0; i < logs; ++i) {
      EXPECT_EQ(mark->logs[i].number, i + 1);
      EXPECT_EQ(mark->logs[i].change, 1000 * (i + 1));
    }
  }
}

TEST(SyncMarks, OfMoreLogsThanThereIsRoomForTheOldestAreLeftOut) {
  const auto mark = DecodeSyncMarks(EncodeSyncMark(Mark(1, kSyncMarkLogsMax + 3)) + Zeros());
  ASSERT_TRUE(mark.has_value());
  ASSERT_EQ(mark->logs.size(), kSyncMarkLogsMax);
  EXPECT_EQ(mark->logs.front().number, 4u);
  EXPECT_EQ(mark->logs.back().number, kSyncMarkLogsMax + 3);
}

TEST(SyncMarks, TheNewerOneCountsWhereverItIs) {
  const std::string old = EncodeSyncMark(Mark(8, 1));
  const std::string young = EncodeSyncMark(Mark(9, 2));
  EXPECT_EQ(DecodeSyncMarks(old + young)->generation, 9u);
  EXPECT_EQ(DecodeSyncMarks(young + old)->generation, 9u);
}

TEST(SyncMarks, OneThatIsNotWholeDoesNotCount) {
  const std::string old = EncodeSyncMark(Mark(8, 1));
  const std::string young = EncodeSyncMark(Mark(9, 2));
  for (size_t at = 0; at < 24 + 2 * 16; ++at) {
    std::string torn = young;
    torn[at] = static_cast<char>(~torn[at]);
    ASSERT_TRUE(DecodeSyncMarks(old + torn).has_value()) << at;
    EXPECT_EQ(DecodeSyncMarks(old + torn)->generation, 8u) << at;
    EXPECT_FALSE(DecodeSyncMarks(torn + Zeros()).has_value()) << at;
  }
  EXPECT_FALSE(DecodeSyncMarks(old).has_value());
  EXPECT_FALSE(DecodeSyncMarks("").has_value());
  EXPECT_FALSE(DecodeSyncMarks(Zeros() + Zeros()).has_value());
}

}  // namespace
}  // namespace nmq::log
