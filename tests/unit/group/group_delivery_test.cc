// The names of deliveries, and messages that are not at hand.
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/group/lone_group.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupDelivery, NobodyActsOnADeliveryThatHasEnded) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t first = group->DeliveryOf(1);
  EXPECT_EQ(group->HolderOf(1), 7u);
  EXPECT_NE(first, 0u);
  ASSERT_TRUE(group.Retry(1, kSecond));
  EXPECT_EQ(group->HolderOf(1), 0u);
  EXPECT_FALSE(group->Extend(1, first, kSecond, group.now)) << "nobody has it";
  ASSERT_THAT(group.PassTime(kSecond), ElementsAre("1>7#2"));
  const uint64_t second = group->DeliveryOf(1);
  EXPECT_NE(second, first);
  EXPECT_FALSE(group->Extend(1, first, kSecond, group.now));
  EXPECT_FALSE(group->Retry(1, first, 0, group.now));
  EXPECT_FALSE(group->Terminate(1, first, "late"));
  EXPECT_FALSE(group->Done(1, first));
  EXPECT_FALSE(group->Done(1, 0));
  EXPECT_TRUE(group->Extend(1, second, kSecond, group.now));
  EXPECT_TRUE(group->Done(1, second));
  EXPECT_FALSE(group->Done(1, second));
}

TEST(GroupDelivery, WhatIsDoneLateCountsWhileNobodyElseHasIt) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t delivery = group->DeliveryOf(1);
  group.Remove(7);
  EXPECT_TRUE(group->Done(1, delivery));
  EXPECT_EQ(group->floor(), 1u);
}

TEST(GroupDelivery, FirstDeliveriesOfAMemberHaveOneName) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  group->AddMember(8, 100, kMuch);
  std::map<uint64_t, std::set<uint64_t>> names;
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) names[*group.Offer()].insert(group->DeliveryOf(sequence));
  EXPECT_EQ(names[7].size(), 1u);
  EXPECT_EQ(names[8].size(), 1u);
  EXPECT_NE(names[7], names[8]);
}

TEST(GroupDelivery, GroupThatWasSetBackNamesDeliveriesAnew) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t before = group->DeliveryOf(1);
  group->Seek(1);
  EXPECT_EQ(group->DeliveryOf(1), 0u);
  EXPECT_FALSE(group->Done(1, before));
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_NE(group->DeliveryOf(1), before);
  EXPECT_FALSE(group->Done(1, before));
}

TEST(GroupDelivery, MemberThatComesAgainHasNewNames) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t before = group->DeliveryOf(1);
  group.Remove(7);
  group->AddMember(7, 100, kMuch);
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  EXPECT_NE(group->DeliveryOf(1) >> 10, before >> 10);
}

TEST(GroupDelivery, MessageThatDidNotGoOutHasAllItsAttempts) {
  LoneGroup group;  // three attempts
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  for (int i = 0; i < 10; ++i) {
    const uint64_t delivery = group->DeliveryOf(1);
    ASSERT_NE(delivery, 0u);
    EXPECT_TRUE(group->Return(1, delivery));
    EXPECT_FALSE(group->Return(1, delivery)) << "nobody has it";
    EXPECT_EQ(group->pending(), 0u);
    EXPECT_FALSE(group->Done(1, delivery)) << "nobody has seen it";
    ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2")) << "it is not said to be the first";
  }
  EXPECT_EQ(group->redelivered_count(), 0u);
  ASSERT_TRUE(group.Retry(1));
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  EXPECT_TRUE(group->Return(1, group->DeliveryOf(1)));
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  EXPECT_EQ(group->redelivered_count(), 1u);
  EXPECT_THAT(group.TakeDead(), IsEmpty());
}

TEST(GroupDelivery, AttemptsOfWhatDidNotGoOutAreNotWritten) {
  LoneGroup group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group->Return(1, group->DeliveryOf(1)));
  const GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  EXPECT_EQ(changes.put[0].attempts, 0u);
  EXPECT_FALSE(changes.put[0].done);
}

TEST(GroupAtHand, AMessageThatIsNotWaitsUncountedUntilItIs) {
  LoneGroup group;
  group->AddMember(7, 10, kMuch);
  for (int i = 0; i < 3; ++i) group.Offer();
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) ASSERT_TRUE(group.Retry(sequence));
  std::vector<uint64_t> asked;
  const auto first_only = [&](uint64_t sequence) {
    asked.push_back(sequence);
    return sequence == 1;
  };
  EXPECT_EQ(group->Deliver(group.now, 1000, first_only).size(), 1u);
  EXPECT_THAT(asked, ElementsAre(1u, 2u)) << "what is behind it waits, too";
  EXPECT_EQ(group->waiting(), 2u);
  EXPECT_EQ(group->redelivered_count(), 1u);
  EXPECT_THAT(group.Deliver(), IsEmpty()) << "nothing has come to hand";
  EXPECT_GT(*group->NextTime(), group.now);
  EXPECT_TRUE(group->WantsNew());
  group->LookAgain();
  EXPECT_EQ(group->NextTime(), group.now);
  EXPECT_THAT(group.Deliver(), ElementsAre("2>7#2", "3>7#2"));
}

TEST(GroupAtHand, AMessageWithAKeyThatIsNotHoldsUpItsMemberOnly) {
  LoneGroup group(ByKey());
  group->AddMember(7, 10, kMuch);
  group->AddMember(8, 10, kMuch);
  std::map<uint64_t, std::vector<uint64_t>> of;  // sequences by member
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) {
    of[*group.Offer(absl::StrCat("key", sequence))].push_back(sequence);
  }
  ASSERT_FALSE(of[7].empty());
  ASSERT_FALSE(of[8].empty());
  for (uint64_t sequence = 1; sequence <= 20; ++sequence) ASSERT_TRUE(group.Retry(sequence));
  const auto of_eight = [&](uint64_t sequence) {
    return std::find(of[8].begin(), of[8].end(), sequence) != of[8].end();
  };
  EXPECT_EQ(group->Deliver(group.now, 1000, of_eight).size(), of[8].size());
  EXPECT_EQ(group->waiting(), of[7].size());
  group->LookAgain();
  EXPECT_EQ(group.Deliver().size(), of[7].size());
}

TEST(GroupAtHand, WhatFindsNoMemberIsNotAskedFor) {
  LoneGroup group;
  group->AddMember(7, 1, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Retry(1));
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  group->AddMember(8, 1, kMuch);
  ASSERT_EQ(group.Offer(), 8u);
  group.Remove(8);
  bool asked = false;
  const auto at_hand = [&](uint64_t) { return asked = true; };
  EXPECT_THAT(group->Deliver(group.now, 1000, at_hand), IsEmpty());
  EXPECT_FALSE(asked);
}

}  // namespace
}  // namespace nmq::broker
