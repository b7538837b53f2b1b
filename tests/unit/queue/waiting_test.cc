#include "server/queue/waiting.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

// "first-last:count" of each run.
std::vector<std::string> Runs(const Waiting& waiting) {
  std::vector<std::string> runs;
  for (size_t i = 0; i < waiting.dropped().size(); ++i) {
    const Waiting::Run& run = waiting.dropped()[i];
    runs.push_back(absl::StrCat(run.first, "-", run.last, ":", run.count));
  }
  return runs;
}

using Texts = std::vector<std::string>;

TEST(Waiting, WhatComesBeyondTheBoundIsDropped) {
  Waiting waiting = Waiting::DropNewest(2);
  for (const uint64_t sequence : {3, 5, 6, 9}) waiting.Came(sequence, "", 1);
  EXPECT_EQ(Runs(waiting), Texts({"6-9:2"}));
  EXPECT_EQ(waiting.DroppedAt(3), nullptr);
  EXPECT_EQ(waiting.DroppedAt(5), nullptr);
  ASSERT_NE(waiting.DroppedAt(6), nullptr);
  EXPECT_EQ(waiting.DroppedAt(9)->count, 2u);
  EXPECT_EQ(waiting.CountIn(1, 10), 2u);
  EXPECT_EQ(waiting.CountIn(4, 6), 1u);
  EXPECT_EQ(waiting.CountIn(4, 5), 0u);
}

TEST(Waiting, WhatIsReadMakesRoom) {
  Waiting waiting = Waiting::DropNewest(2);
  for (const uint64_t sequence : {1, 2, 3}) waiting.Came(sequence, "", 1);
  waiting.Passed(2);
  for (const uint64_t sequence : {4, 5, 6}) waiting.Came(sequence, "", 1);
  EXPECT_EQ(Runs(waiting), Texts({"3-3:1", "5-6:2"}));
  EXPECT_EQ(waiting.DroppedAt(4), nullptr);
  ASSERT_NE(waiting.DroppedAt(5), nullptr);
  waiting.Passed(7);
  EXPECT_EQ(Runs(waiting), Texts());
  waiting.Came(8, "", 1);
  EXPECT_EQ(Runs(waiting), Texts());
}

TEST(Waiting, RunGoesOnUntilSomethingIsTakenAgain) {
  Waiting waiting = Waiting::DropNewest(1);
  for (const uint64_t sequence : {1, 2}) waiting.Came(sequence, "", 1);
  waiting.Passed(2);
  waiting.Passed(3);
  for (const uint64_t sequence : {3, 4, 5}) waiting.Came(sequence, "", 1);
  EXPECT_EQ(Runs(waiting), Texts({"4-5:2"}));
}

TEST(Waiting, KeyIsSupersededByALaterMessageOnly) {
  Waiting waiting = Waiting::KeepLatest();
  EXPECT_TRUE(waiting.by_key());
  waiting.Came(1, "a", 1);
  waiting.Came(2, "b", 1);
  waiting.Came(3, "a", 1);
  waiting.Came(4, "", 1);
  waiting.Came(5, "", 1);
  EXPECT_TRUE(waiting.Superseded(1, "a"));
  EXPECT_FALSE(waiting.Superseded(2, "b"));
  EXPECT_FALSE(waiting.Superseded(3, "a"));
  EXPECT_FALSE(waiting.Superseded(4, ""));
  EXPECT_EQ(waiting.DroppedAt(1), nullptr);
  waiting.Clear();
  EXPECT_FALSE(waiting.Superseded(1, "a"));
}

TEST(Waiting, KeysOfWhatIsNoLongerHeldDoNotGather) {
  Waiting waiting = Waiting::KeepLatest();
  for (uint64_t sequence = 1; sequence <= 100'000; ++sequence) {
    waiting.Came(sequence, absl::StrCat("key ", sequence), sequence < 10 ? 1 : sequence - 10);
    ASSERT_LE(waiting.keys(), 1024u);
  }
  EXPECT_TRUE(waiting.Superseded(99'995, "key 99999"));
}

TEST(Waiting, SameMessageOfAnotherChannelIsKnown) {
  Waiting waiting = Waiting::DropNewest(5);
  EXPECT_FALSE(waiting.Knows(7));
  waiting.Came(7, "", 1);
  EXPECT_TRUE(waiting.Knows(7));
  EXPECT_FALSE(waiting.Knows(8));
}

}  // namespace
}  // namespace nmq::broker
