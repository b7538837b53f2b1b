#include "server/queue/request_ids.h"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

TEST(RequestIds, KnowsTheSequenceOfAnId) {
  RequestIds ids(100, 10);
  EXPECT_EQ(ids.Find("a", 0), std::nullopt);
  ids.Add("a", 7, 0);
  ids.Add("b", 8, 1);
  EXPECT_EQ(ids.Find("a", 1), 7u);
  EXPECT_EQ(ids.Find("b", 1), 8u);
  EXPECT_EQ(ids.Find("c", 1), std::nullopt);
  EXPECT_EQ(ids.Find("", 1), std::nullopt);
}

TEST(RequestIds, KnowsAnIdForTheWindow) {
  RequestIds ids(100, 10);
  ids.Add("a", 7, 1000);
  EXPECT_EQ(ids.Find("a", 1099), 7u);
  EXPECT_EQ(ids.Find("a", 1100), std::nullopt);
  EXPECT_EQ(ids.Find("a", 1101), std::nullopt);
}

TEST(RequestIds, ForgetsWhatIsTooOld) {
  RequestIds ids(100, 10);
  ids.Add("a", 1, 1000);
  ids.Add("b", 2, 1050);
  ids.Trim(1099);
  EXPECT_EQ(ids.size(), 2u);
  ids.Trim(1100);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(ids.Find("b", 1100), 2u);
  ids.Add("c", 3, 1150);
  EXPECT_EQ(ids.size(), 1u) << "adding forgets, too";
}

TEST(RequestIds, IdMayComeAgainAfterTheWindow) {
  RequestIds ids(100, 10);
  ids.Add("a", 1, 1000);
  ids.Add("a", 2, 1100);
  EXPECT_EQ(ids.Find("a", 1199), 2u);
  EXPECT_EQ(ids.size(), 1u);
}

TEST(RequestIds, KnowsSoManyAndForgetsTheOldestFirst) {
  RequestIds ids(100, 3);
  ids.Add("a", 1, 0);
  ids.Add("b", 2, 0);
  EXPECT_EQ(ids.size(), 2u);
  ids.Add("c", 3, 0);
  EXPECT_EQ(ids.Find("a", 0), 1u);
  ids.Add("d", 4, 0);
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids.Find("a", 0), std::nullopt);
  EXPECT_EQ(ids.Find("b", 0), 2u);
  EXPECT_EQ(ids.Find("d", 0), 4u);
}

TEST(RequestIds, LastMessageOfAnIdCountsWhenRestored) {
  RequestIds ids(100, 3);
  ids.Restore("a", 1, 0);
  ids.Restore("b", 2, 10);
  ids.Restore("a", 3, 20);
  EXPECT_EQ(ids.Find("a", 20), 3u);
  EXPECT_EQ(ids.size(), 2u);
  ids.Restore("c", 4, 30);
  EXPECT_EQ(ids.Find("a", 30), 3u) << "the earlier one of it went";
  EXPECT_EQ(ids.Find("b", 30), 2u);
  ids.Restore("d", 5, 40);
  EXPECT_EQ(ids.Find("b", 40), std::nullopt);
}

TEST(RequestIds, IdsOfAnyBytesDiffer) {
  RequestIds ids(100, 10);
  ids.Add(std::string("a\0b", 3), 1, 0);
  ids.Add(std::string("a\0c", 3), 2, 0);
  ids.Add(std::string(1024, 'x'), 3, 0);
  EXPECT_EQ(ids.Find(std::string("a\0b", 3), 0), 1u);
  EXPECT_EQ(ids.Find(std::string("a\0c", 3), 0), 2u);
  EXPECT_EQ(ids.Find(std::string(1024, 'x'), 0), 3u);
  EXPECT_EQ(ids.Find(std::string(1023, 'x'), 0), std::nullopt);
}

TEST(RequestIds, ForgetsEverythingAtOnce) {
  RequestIds ids(100, 10);
  ids.Add("a", 1, 0);
  ids.Clear();
  EXPECT_EQ(ids.size(), 0u);
  EXPECT_EQ(ids.Find("a", 0), std::nullopt);
  ids.Add("a", 2, 0);
  EXPECT_EQ(ids.Find("a", 0), 2u);
}

TEST(RequestIds, WhatDidNotBecomeAMessageIsNotKnown) {
  RequestIds ids(100, 10);
  ids.Add("a", 1, 0);
  ids.Add("b", 2, 0);
  ids.Add("c", 4, 0);
  ids.TakeBack(2);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(ids.Find("a", 0), 1u);
  EXPECT_EQ(ids.Find("b", 0), std::nullopt);
  EXPECT_EQ(ids.Find("c", 0), std::nullopt);
  ids.Add("c", 2, 0);
  EXPECT_EQ(ids.Find("c", 0), 2u);
  ids.Add("b", 3, 0);
  EXPECT_EQ(ids.Find("b", 0), 3u);
}

TEST(RequestIds, SaysUpToWhereItHasForgotten) {
  RequestIds ids(100, 2);
  EXPECT_EQ(ids.forgotten(), 0u);
  ids.Add("a", 10, 0);
  ids.Add("b", 20, 50);
  EXPECT_EQ(ids.forgotten(), 0u);
  ids.Trim(100);
  EXPECT_EQ(ids.forgotten(), 10u);
  ids.Add("c", 30, 100);
  ids.Add("d", 31, 100);
  ids.Add("e", 32, 100);
  EXPECT_EQ(ids.forgotten(), 30u);
  ids.TakeBack(30);
  EXPECT_EQ(ids.size(), 0u);
  EXPECT_EQ(ids.forgotten(), 29u) << "the sequence comes again";
}

TEST(RequestIds, IsRightAfterAnyHistory) {
  constexpr int64_t kWindow = 50;
  constexpr uint64_t kCount = 20;
  RequestIds ids(kWindow, kCount);
  std::map<std::string, std::pair<uint64_t, int64_t>> known;  // the latest message of each id
  std::map<uint64_t, std::string> order;                      // by sequence
  std::mt19937 random(17);
  int64_t now = 0;
  for (uint64_t sequence = 1; sequence < 20'000; ++sequence) {
    now += random() % 5;
    const std::string id = absl::StrCat(random() % 40);
    std::optional<uint64_t> expected;
    if (known.contains(id) && known[id].second + kWindow > now) expected = known[id].first;
    ASSERT_EQ(ids.Find(id, now), expected);
    if (expected.has_value()) continue;
    ids.Add(id, sequence, now);
    known[id] = {sequence, now};
    order[sequence] = id;
    if (order.size() > kCount) {
      auto oldest = order.begin();
      if (known[oldest->second].first == oldest->first) known.erase(oldest->second);
      order.erase(oldest);
    }
    ASSERT_LE(ids.size(), kCount);
  }
}

}  // namespace
}  // namespace nmq::broker
