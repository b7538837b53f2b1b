#include "server/queue/message_log.h"

#include <cstring>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kMuch = 1 << 20;

// The log of a live queue that holds three messages, or of one on disk, where nine are of which it holds six, whose
// ring holds three.
class MessageLogTest : public testing::Test {
 protected:
  MessageLog::Options Live() {
    MessageLog::Options options;
    options.queue = "DB";
    options.epoch = 5;
    options.retention = {kMuch, 3, absl::Seconds(100)};
    options.total = &total_;
    options.clock = &clock_;
    return options;
  }
  MessageLog::Options OnDisk() {
    MessageLog::Options options = Live();
    options.ring_bounds = options.retention;
    options.disk.emplace();
    options.disk->extent.first = 4;
    options.disk->extent.end = 10;
    options.disk->extent.bytes = 600;
    return options;
  }
  static void Append(MessageLog* log, int64_t now_us = 0) {
    memset(log->Append(8, /*stamp=*/1, now_us, nullptr), 'x', 8);
    log->Trim(now_us);
  }

  SimulatedClock clock_;
  log::RingTotal total_{kMuch};
};

TEST_F(MessageLogTest, ALiveOneHoldsWhatItsRingHolds) {
  MessageLog log(Live());
  EXPECT_FALSE(log.durable());
  EXPECT_EQ(log.end(), 1u);
  for (int i = 0; i < 5; ++i) Append(&log);
  EXPECT_EQ(log.first(), 3u);
  EXPECT_EQ(log.end(), 6u);
  EXPECT_EQ(log.bytes(), log.ring().bytes());
}

TEST_F(MessageLogTest, OneOnDiskGoesOnWhereTheDiskEndsAndHoldsWhatIsThere) {
  MessageLog log(OnDisk());
  for (int i = 0; i < 5; ++i) Append(&log);
  log.Wrote(50);
  EXPECT_EQ(log.first(), 4u);
  EXPECT_EQ(log.ring().first(), 12u);
  EXPECT_EQ(log.end(), 15u);
  EXPECT_EQ(log.bytes(), 650u);
}

TEST_F(MessageLogTest, WhatIsDeletedFromDiskIsInNoRingEither) {
  MessageLog log(OnDisk());
  for (int i = 0; i < 2; ++i) Append(&log);
  EXPECT_TRUE(log.TrimmedOnDisk(6));
  EXPECT_FALSE(log.TrimmedOnDisk(5));
  EXPECT_EQ(log.first(), 6u);
  EXPECT_TRUE(log.TrimmedOnDisk(11));
  EXPECT_EQ(log.ring().first(), 11u);
  EXPECT_FALSE(log.WasPurged(11));
}

TEST_F(MessageLogTest, WhatWasPurgedWasNotLostBySlowness) {
  MessageLog log(Live());
  for (int i = 0; i < 3; ++i) Append(&log);
  log.Purge(3);
  EXPECT_EQ(log.first(), 3u);
  EXPECT_EQ(log.LossReason(3), v1::GAP_REASON_PURGED);
  EXPECT_EQ(log.LossReason(4), v1::GAP_REASON_SLOW_SUBSCRIBER);
}

TEST_F(MessageLogTest, WhatIsGoneFromDiskWhileItIsPurgedWasPurged) {
  MessageLog log(OnDisk());
  log.BeginPurge(7);
  EXPECT_TRUE(log.TrimmedOnDisk(7));
  EXPECT_EQ(log.LossReason(log.first()), v1::GAP_REASON_PURGED);
  log.Purge(4);  // the disk says now that it failed
  EXPECT_EQ(log.first(), 7u);
  EXPECT_EQ(log.LossReason(8), v1::GAP_REASON_SLOW_SUBSCRIBER);
}

TEST_F(MessageLogTest, FindsTheFirstMessageOfATime) {
  MessageLog log(Live());
  for (int64_t now_us : {10, 20, 20}) Append(&log, now_us);
  EXPECT_EQ(log.FirstSince(0), 1u);
  EXPECT_EQ(log.FirstSince(11), 2u);
  EXPECT_EQ(log.FirstSince(20), 2u);
  EXPECT_EQ(log.FirstSince(21), 4u);
}

TEST_F(MessageLogTest, OfALiveOneLessRetentionGivesUpMessages) {
  MessageLog log(Live());
  for (int i = 0; i < 3; ++i) Append(&log);
  log.set_retention({kMuch, 1, absl::Seconds(100)});
  EXPECT_EQ(log.first(), 1u);
  log.Trim(0);
  EXPECT_EQ(log.first(), 3u);
}

TEST_F(MessageLogTest, TellsGapsAndPositionsOfItsQueueAndEpoch) {
  const MessageLog log(Live());
  const v1::Gap gap = log.GapOf(2, 5, 3, v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(gap.queue(), "DB");
  EXPECT_EQ(gap.epoch(), 5u);
  EXPECT_EQ(gap.first(), 2u);
  EXPECT_EQ(gap.last(), 4u);
  EXPECT_EQ(gap.count(), 3u);
  v1::QueuePosition position;
  log.SetPosition(7, &position);
  EXPECT_EQ(position.queue(), "DB");
  EXPECT_EQ(position.epoch(), 5u);
  EXPECT_EQ(position.sequence(), 7u);
}

}  // namespace
}  // namespace nmq::broker
