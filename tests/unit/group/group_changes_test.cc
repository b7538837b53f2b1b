// What a group writes of its state, and what it makes of it after a restart.
#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/group/lone_group.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupChanges, InOrderOnlyTheMarksAreWritten) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  EXPECT_TRUE(group->TakeChanges().empty());
  for (uint64_t sequence = 1; sequence <= 50; ++sequence) {
    ASSERT_EQ(group.Offer(), 7u);
    ASSERT_TRUE(group.Done(sequence));
  }
  ASSERT_EQ(group.Offer(), 7u);
  const GroupState::Changes changes = group->TakeChanges();
  EXPECT_TRUE(changes.marks);
  EXPECT_EQ(changes.floor, 50u);
  EXPECT_EQ(changes.delivered, 51u);
  EXPECT_THAT(changes.put, IsEmpty());
  EXPECT_THAT(changes.erase, IsEmpty());
  EXPECT_TRUE(group->TakeChanges().empty());
}

TEST(GroupChanges, OutOfOrderEachIsWrittenOnceAndErasedBelowTheFloor) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Done(2));
  GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  EXPECT_EQ(changes.put[0].sequence, 2u);
  EXPECT_TRUE(changes.put[0].done);
  EXPECT_TRUE(group->TakeChanges().empty());
  ASSERT_TRUE(group.Done(3));
  ASSERT_TRUE(group.Done(1));
  changes = group->TakeChanges();
  EXPECT_EQ(changes.floor, 3u);
  EXPECT_THAT(changes.put, IsEmpty());
  EXPECT_THAT(changes.erase, ElementsAre(2u));
}

TEST(GroupChanges, AttemptsAreWrittenFromTheSecondOn) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Retry(1));
  EXPECT_THAT(group->TakeChanges().put, IsEmpty());
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  const GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  EXPECT_FALSE(changes.put[0].done);
  EXPECT_EQ(changes.put[0].attempts, 2u);
}

TEST(GroupChanges, SkippedMessagesAreNotWritten) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  group->Skip();
  const GroupState::Changes changes = group->TakeChanges();
  EXPECT_EQ(changes.delivered, 2u);
  EXPECT_THAT(changes.put, IsEmpty());
  ASSERT_TRUE(group.Done(1));
  EXPECT_EQ(group->floor(), 2u);
}

TEST(GroupRestart, WhatWasNotDoneComesAgainWithItsAttempts) {
  LoneGroup group(Policy(), {.floor = 10, .delivered = 14, .items = {{12, true, 1}, {13, false, 2}, {14, false, 3}}});
  EXPECT_EQ(group->next(), 11u);
  EXPECT_EQ(group->delivered(), 14u);
  EXPECT_EQ(group->waiting(), 3u);
  group->AddMember(7, 100, kMuch);
  EXPECT_EQ(group.Offer(), 7u);
  EXPECT_EQ(group->next(), 13u) << "12 is done";
  EXPECT_EQ(group.Offer(), 7u);
  EXPECT_EQ(group.Offer(), 0u);
  EXPECT_THAT(group.TakeDead(), ElementsAre("14:MAX_ATTEMPTS#3"));
  EXPECT_EQ(group->next(), 15u);
  EXPECT_EQ(group->redelivered_count(), 2u);
  group.Remove(7);
  group->AddMember(8, 100, kMuch);
  EXPECT_THAT(group.Deliver(), ElementsAre("11>8#3"));
  EXPECT_THAT(group.TakeDead(), ElementsAre("13:MAX_ATTEMPTS#3"));
}

TEST(GroupRestart, AcknowledgementOfBeforeIsTaken) {
  LoneGroup before(Policy(), {.floor = 10, .delivered = 10, .items = {}}, {.earliest = 5, .last = 5});
  before->AddMember(7, 100, kMuch);
  std::map<uint64_t, uint64_t> delivery;
  for (uint64_t sequence = 11; sequence <= 13; ++sequence) {
    ASSERT_EQ(before.Offer(), 7u);
    delivery[sequence] = before->DeliveryOf(sequence);
  }
  const GroupState::Changes changes = before->TakeChanges();
  const GroupState::Saved saved = {.floor = changes.floor, .delivered = changes.delivered, .items = changes.put};
  LoneGroup group(Policy(), saved, {.earliest = 5, .last = 9});
  EXPECT_TRUE(group->Done(11, delivery[11]));
  EXPECT_EQ(group->floor(), 11u);
  EXPECT_EQ(group->next(), 12u);
  EXPECT_TRUE(group->Terminate(12, delivery[12], "bad"));
  EXPECT_EQ(group->next(), 13u);
  EXPECT_TRUE(group->Done(13, delivery[13]));
  EXPECT_EQ(group->next(), 14u);
  EXPECT_FALSE(group->Done(14, delivery[13]));

  LoneGroup sought(Policy(), saved, {.earliest = before->last_stint(), .last = 9});
  EXPECT_FALSE(sought->Done(11, delivery[11])) << "it was set back since";
}

TEST(GroupRestart, AcknowledgementOfBeforeComesTooLateOnceItIsDeliveredAgain) {
  LoneGroup before;
  before->AddMember(7, 100, kMuch);
  ASSERT_EQ(before.Offer(), 7u);
  const uint64_t first = before->DeliveryOf(1);
  before->TakeChanges();
  LoneGroup group(Policy(), {.floor = 0, .delivered = 1, .items = {}}, {.earliest = 0, .last = 9});
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_FALSE(group->Done(1, first));
  EXPECT_TRUE(group.Done(1));
}

TEST(GroupRestart, MessageThatOnlyWaitedHasAllItsAttempts) {
  GroupPolicy policy = ByKey();
  policy.attempts_max = 1;
  LoneGroup group(policy);
  group->AddMember(7, 1, kMuch);
  group->AddMember(8, 1, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  ASSERT_EQ(group.Offer("a"), 0u);
  const GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  LoneGroup restarted(policy, {.floor = changes.floor, .delivered = changes.delivered, .items = changes.put});
  restarted->AddMember(8, 10, kMuch);
  EXPECT_EQ(restarted.Offer("a"), 0u);
  EXPECT_EQ(restarted.Offer("a"), 8u);
  EXPECT_THAT(restarted.TakeDead(), ElementsAre("1:MAX_ATTEMPTS#1"));
}

TEST(GroupRestart, NonsenseIsBounded) {
  LoneGroup group(Policy(), {.floor = 5, .delivered = UINT64_MAX, .items = {{3, true, 1}, {UINT64_MAX, true, 1}}});
  EXPECT_EQ(group->waiting(), GroupState::kWindowMax);
  EXPECT_THAT(group->TakeChanges().erase, ElementsAre(3u, UINT64_MAX));
  LoneGroup backwards(Policy(), {.floor = 5, .delivered = 2, .items = {}});
  EXPECT_EQ(backwards->next(), 6u);
}

}  // namespace
}  // namespace nmq::broker
