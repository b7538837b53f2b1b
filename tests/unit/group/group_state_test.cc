#include "server/group/group_state.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;
constexpr uint64_t kMuch = 1 << 30;

GroupPolicy Policy() {
  GroupPolicy policy;
  policy.ack_deadline_us = 30 * kSecond;
  policy.attempts_max = 3;
  return policy;
}

GroupPolicy ByKey() {
  GroupPolicy policy = Policy();
  policy.by_key = true;
  return policy;
}

// A group that starts with sequence 1, and its time.
class Group {
 public:
  explicit Group(const GroupPolicy& policy = Policy(), const GroupState::Saved& saved = {}, GroupStints stints = {})
      : state_(policy, saved, stints) {}

  GroupState* operator->() { return &state_; }

  // The member that gets the message next(); 0 if it is kept for later, nothing if it is not taken.
  std::optional<uint64_t> Offer(absl::string_view key = "", uint64_t bytes = 1) {
    bool taken = false;
    const std::optional<GroupState::Assignment> assignment = state_.Offer(bytes, key, now, &taken);
    if (!taken) return std::nullopt;
    return assignment.has_value() ? assignment->member : 0;
  }
  // "sequence>member#attempt" of what waits and is due.
  std::vector<std::string> Deliver(size_t max = 1000) {
    std::vector<std::string> said;
    for (const GroupState::Assignment& assignment : state_.Deliver(now, max)) {
      said.push_back(absl::StrCat(assignment.sequence, ">", assignment.member, "#", assignment.attempt));
    }
    return said;
  }
  // By the message's last delivery.
  bool Done(uint64_t sequence) { return state_.Done(sequence, state_.DeliveryOf(sequence)); }
  bool Terminate(uint64_t sequence, absl::string_view reason) {
    return state_.Terminate(sequence, state_.DeliveryOf(sequence), reason);
  }
  bool Retry(uint64_t sequence, int64_t after = 0) {
    return state_.Retry(sequence, state_.DeliveryOf(sequence), after, now);
  }
  bool Extend(uint64_t sequence, int64_t by) { return state_.Extend(sequence, state_.DeliveryOf(sequence), by, now); }
  void Remove(uint64_t member) { state_.RemoveMember(member, now); }
  std::vector<std::string> PassTime(int64_t by) {
    now += by;
    state_.Expire(now);
    return Deliver();
  }
  // "sequence:reason#attempts" of what is dead.
  std::vector<std::string> TakeDead() {
    std::vector<std::string> said;
    for (const GroupState::Dead& dead : state_.TakeDead()) {
      said.push_back(absl::StrCat(dead.sequence, ":", dead.reason, "#", dead.attempts));
    }
    return said;
  }

  int64_t now = 1000 * kSecond;

 private:
  GroupState state_;
};

TEST(GroupState, EachMessageGoesToTheMemberWithTheFewest) {
  Group group;
  EXPECT_FALSE(group->WantsNew()) << "nobody is there";
  EXPECT_EQ(group.Offer(), std::nullopt);
  group->AddMember(7, 100, kMuch);
  group->AddMember(8, 100, kMuch);
  EXPECT_TRUE(group->WantsNew());
  EXPECT_EQ(group.Offer(), 7u);
  EXPECT_EQ(group.Offer(), 8u);
  EXPECT_EQ(group.Offer(), 7u);
  EXPECT_TRUE(group.Done(1));
  EXPECT_TRUE(group.Done(3));
  EXPECT_EQ(group.Offer(), 7u);
  EXPECT_EQ(group->pending(), 2u);
  EXPECT_EQ(group->floor(), 1u);
  EXPECT_EQ(group->delivered(), 4u);
  EXPECT_EQ(group->next(), 5u);
  EXPECT_EQ(group->done_count(), 2u);
}

TEST(GroupState, MessageOfALostMemberGoesToAnother) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_EQ(group.Offer(), 7u);
  group.Remove(7);
  EXPECT_EQ(group->waiting(), 2u);
  EXPECT_THAT(group.Deliver(), IsEmpty()) << "nobody is there";
  group->AddMember(8, 100, kMuch);
  EXPECT_THAT(group.Deliver(), ElementsAre("1>8#2", "2>8#2"));
  EXPECT_EQ(group->redelivered_count(), 2u);
}

TEST(GroupState, DeadlineTakesAMessageBack) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_EQ(group->NextTime(), group.now + 30 * kSecond);
  EXPECT_THAT(group.PassTime(30 * kSecond - 1), IsEmpty());
  EXPECT_THAT(group.PassTime(1), ElementsAre("1>7#2"));
}

TEST(GroupState, RetryWaitsForTheLongerOfItsTimeAndTheBackoff) {
  GroupPolicy policy = Policy();
  policy.attempts_max = 10;
  policy.backoff_us = kSecond;
  policy.backoff_max_us = 3 * kSecond;
  Group group(policy);
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_TRUE(group.Retry(1));
  EXPECT_FALSE(group.Retry(1)) << "nobody has it";
  EXPECT_THAT(group.PassTime(kSecond - 1), IsEmpty());
  EXPECT_EQ(group->NextTime(), group.now + 1);
  EXPECT_THAT(group.PassTime(1), ElementsAre("1>7#2"));
  EXPECT_TRUE(group.Retry(1));
  EXPECT_THAT(group.PassTime(2 * kSecond - 1), IsEmpty());
  EXPECT_THAT(group.PassTime(1), ElementsAre("1>7#3"));
  EXPECT_TRUE(group.Retry(1));
  EXPECT_THAT(group.PassTime(3 * kSecond - 1), IsEmpty()) << "backoff_max";
  EXPECT_THAT(group.PassTime(1), ElementsAre("1>7#4"));
  EXPECT_TRUE(group.Retry(1, 9 * kSecond));
  EXPECT_THAT(group.PassTime(9 * kSecond - 1), IsEmpty());
  EXPECT_THAT(group.PassTime(1), ElementsAre("1>7#5"));
}

TEST(GroupState, BackoffFollowsADeadlineAndNotALostMember) {
  GroupPolicy policy = Policy();
  policy.backoff_us = kSecond;
  Group group(policy);
  group->AddMember(7, 100, kMuch);
  group->AddMember(8, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_THAT(group.PassTime(30 * kSecond), IsEmpty());
  EXPECT_THAT(group.PassTime(kSecond), ElementsAre("1>8#2"));
  group.Remove(8);
  EXPECT_THAT(group.Deliver(), ElementsAre("1>7#3"));
}

TEST(GroupState, ExtendMovesTheDeadline) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_TRUE(group.Extend(1, 100 * kSecond));
  EXPECT_THAT(group.PassTime(99 * kSecond), IsEmpty());
  EXPECT_EQ(group->NextTime(), group.now + kSecond);
  EXPECT_THAT(group.PassTime(kSecond), ElementsAre("1>7#2"));
  EXPECT_TRUE(group.Extend(1, kSecond)) << "sooner than it was";
  EXPECT_THAT(group.PassTime(kSecond), ElementsAre("1>7#3"));
  EXPECT_TRUE(group.Done(1));
  EXPECT_FALSE(group.Extend(1, kSecond));
  EXPECT_EQ(group->NextTime(), std::nullopt);
}

TEST(GroupState, LastAttemptMakesADeadLetter) {
  Group group;  // three attempts
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Retry(1));
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  ASSERT_THAT(group.PassTime(30 * kSecond), ElementsAre("1>7#3"));
  EXPECT_THAT(group.TakeDead(), IsEmpty());
  group.Remove(7);
  EXPECT_THAT(group.TakeDead(), ElementsAre("1:MAX_ATTEMPTS#3"));
  EXPECT_EQ(group->dead_count(), 1u);
  EXPECT_EQ(group->floor(), 0u) << "not before the dead letter is there";
  EXPECT_FALSE(group.Done(1));
  group->Buried(1);
  EXPECT_EQ(group->floor(), 1u);
}

TEST(GroupState, TerminateMakesADeadLetterOfWhatIsPendingOrWaits) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Retry(2, kSecond));
  EXPECT_TRUE(group.Terminate(1, "bad address"));
  EXPECT_FALSE(group.Terminate(1, "again"));
  EXPECT_TRUE(group.Terminate(2, "worse"));
  EXPECT_FALSE(group.Terminate(3, "never delivered"));
  EXPECT_THAT(group.TakeDead(), ElementsAre("1:bad address#1", "2:worse#1"));
  EXPECT_THAT(group.PassTime(kSecond), IsEmpty());
}

TEST(GroupState, DeadLetterThatCannotBeWrittenIsDeadAgain) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Terminate(1, "bad"));
  const std::vector<GroupState::Dead> dead = group->TakeDead();
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_THAT(group.TakeDead(), IsEmpty());
  group->Revive(dead[0]);
  group->Revive(dead[0]);
  EXPECT_THAT(group.TakeDead(), ElementsAre("1:bad#1"));
  group->Buried(1);
  group->Revive(dead[0]);
  EXPECT_THAT(group.TakeDead(), IsEmpty());
  EXPECT_EQ(group->dead_count(), 1u);
}

TEST(GroupState, LateDoneIsTaken) {
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  group.now += 30 * kSecond;
  group->Expire(group.now);
  EXPECT_EQ(group->waiting(), 1u);
  EXPECT_TRUE(group.Done(1));
  EXPECT_THAT(group.Deliver(), IsEmpty());
  EXPECT_FALSE(group.Done(1));
  EXPECT_EQ(group->floor(), 1u);
}

TEST(GroupState, DoneOfTheFirstMemberFreesTheSecond) {
  Group group;
  group->AddMember(7, 1, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  group->AddMember(8, 1, kMuch);
  group.now += 30 * kSecond;
  group->Expire(group.now);
  ASSERT_THAT(group.Deliver(), ElementsAre("1>8#2"));
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_FALSE(group->WantsNew());
  EXPECT_TRUE(group.Done(1));
  EXPECT_EQ(group.Offer(), 8u);
}

TEST(GroupState, NobodyGetsMoreThanItsCredit) {
  Group group;
  group->AddMember(7, 2, 100);
  EXPECT_EQ(group.Offer("", 60), 7u);
  EXPECT_EQ(group.Offer("", 41), std::nullopt);
  EXPECT_TRUE(group->WantsNew()) << "a smaller one would do";
  EXPECT_EQ(group.Offer("", 40), 7u);
  EXPECT_FALSE(group->WantsNew());
  EXPECT_EQ(group.Offer("", 0), std::nullopt);
  EXPECT_EQ(group->next(), 3u);
}

TEST(GroupState, OneLargeMessageGoesToAMemberThatHasNothing) {
  Group group;
  group->AddMember(7, 10, 100);
  ASSERT_EQ(group.Offer("", 1), 7u);
  EXPECT_EQ(group.Offer("", 1000), std::nullopt);
  ASSERT_TRUE(group.Done(1));
  EXPECT_EQ(group.Offer("", 1000), 7u);
  EXPECT_FALSE(group->WantsNew());
}

TEST(GroupState, SmallNewMessagesDoNotHoldUpALargeOneThatWaits) {
  Group group;
  group->AddMember(7, 10, 100);
  ASSERT_EQ(group.Offer("", 1000), 7u);
  ASSERT_TRUE(group.Retry(1, kSecond));
  ASSERT_EQ(group.Offer("", 1), 7u);
  ASSERT_THAT(group.PassTime(kSecond), IsEmpty());
  EXPECT_FALSE(group->WantsNew());
  EXPECT_NE(group->NextTime(), group.now) << "time does not help";
  ASSERT_TRUE(group.Done(2));
  EXPECT_EQ(group->NextTime(), group.now);
  EXPECT_THAT(group.Deliver(), ElementsAre("1>7#2"));
}

TEST(GroupState, KeysStayWithTheirMember) {
  Group group(ByKey());
  group->AddMember(7, 1000, kMuch);
  group->AddMember(8, 1000, kMuch);
  std::map<std::string, uint64_t> owner;
  std::set<uint64_t> members;
  for (int i = 0; i < 200; ++i) {
    const std::string key = absl::StrCat("key", i % 20);
    const std::optional<uint64_t> member = group.Offer(key);
    ASSERT_TRUE(member.has_value());
    EXPECT_EQ(owner.try_emplace(key, *member).first->second, *member);
    members.insert(*member);
    if (i % 3 == 0) group.Done(static_cast<uint64_t>(i) + 1);
  }
  EXPECT_THAT(members, ElementsAre(7u, 8u));
}

TEST(GroupState, MessageWaitsForTheMemberOfItsKey) {
  Group group(ByKey());
  group->AddMember(7, 1, kMuch);
  group->AddMember(8, 100, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  EXPECT_EQ(group.Offer("a"), 0u);
  EXPECT_EQ(group.Offer(""), 8u) << "has no key";
  EXPECT_EQ(group.Offer("a"), 0u);
  EXPECT_THAT(group.Deliver(), IsEmpty());
  EXPECT_FALSE(group.Done(2)) << "never delivered";
  EXPECT_EQ(group->waiting(), 2u);
  ASSERT_TRUE(group.Done(1));
  EXPECT_THAT(group.Deliver(), ElementsAre("2>7#1"));
  group.Remove(7);
  EXPECT_THAT(group.Deliver(), ElementsAre("2>8#2", "4>8#1"));
}

TEST(GroupState, RefusedMessageGoesBeforeLaterOnesOfItsKey) {
  Group group(ByKey());
  group->AddMember(7, 1, kMuch);
  group->AddMember(8, 1, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  ASSERT_EQ(group.Offer("a"), 0u);
  ASSERT_TRUE(group.Retry(1));
  EXPECT_EQ(group.Offer("a"), 0u) << "not past those that wait";
  EXPECT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  ASSERT_TRUE(group.Done(1));
  EXPECT_THAT(group.Deliver(), ElementsAre("2>7#1"));
}

TEST(GroupState, TooManyMessagesOfABusyKeyStopTheGroup) {
  Group group(ByKey());
  group->AddMember(7, 1, kMuch);
  group->AddMember(8, 1, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  for (uint64_t i = 0; i < GroupState::kParkedMax; ++i) {
    ASSERT_TRUE(group->WantsNew());
    ASSERT_EQ(group.Offer("a"), 0u);
  }
  EXPECT_FALSE(group->WantsNew());
  EXPECT_EQ(group.Offer("a"), std::nullopt);
  ASSERT_TRUE(group.Done(1));
  ASSERT_THAT(group.Deliver(), ElementsAre("2>7#1"));
  EXPECT_TRUE(group->WantsNew());
}

TEST(GroupState, NewMemberGetsIdleKeysAtOnce) {
  Group group(ByKey());
  group->AddMember(7, 1000, kMuch);
  uint64_t sequence = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(group.Offer(absl::StrCat("key", i)), 7u);
    group.Done(++sequence);
  }
  group->AddMember(8, 1000, kMuch);
  int second = 0;
  for (int i = 0; i < 100; ++i) second += group.Offer(absl::StrCat("key", i)) == 8u ? 1 : 0;
  EXPECT_GT(second, 30);
  EXPECT_LT(second, 70);
}

TEST(GroupState, BusyKeyMovesToANewMemberWhenItIsIdle) {
  Group group(ByKey());
  group->AddMember(7, 1000, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  ASSERT_EQ(group.Offer("b"), 7u);
  group->AddMember(8, 1000, kMuch);
  EXPECT_EQ(group.Offer("a"), 7u);
  EXPECT_EQ(group.Offer("b"), 7u);
  ASSERT_TRUE(group.Done(1));
  ASSERT_TRUE(group.Done(3));
  EXPECT_EQ(group.Offer("a"), 8u);
  EXPECT_EQ(group.Offer("b"), 7u);
}

TEST(GroupState, FullWindowStopsTheGroup) {
  Group group;
  group->AddMember(7, 2 * GroupState::kWindowMax, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  for (uint64_t sequence = 2; sequence <= GroupState::kWindowMax; ++sequence) {
    if (group.Offer() != 7u || !group.Done(sequence)) FAIL() << sequence;
  }
  EXPECT_FALSE(group->WantsNew());
  EXPECT_EQ(group.Offer(), std::nullopt);
  ASSERT_TRUE(group.Done(1));
  EXPECT_EQ(group->floor(), GroupState::kWindowMax);
  EXPECT_EQ(group.Offer(), 7u);
}

TEST(GroupState, ForgottenMessagesAreDone) {
  Group group;
  group->AddMember(7, 10, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group.Done(2));
  ASSERT_TRUE(group.Terminate(1, "bad"));
  EXPECT_EQ(group->Forget(3), 1u);
  EXPECT_THAT(group.TakeDead(), IsEmpty());
  EXPECT_EQ(group->floor(), 2u);
  EXPECT_EQ(group->Forget(11), 8u);
  EXPECT_EQ(group->next(), 11u);
  EXPECT_EQ(group->pending(), 0u);
  EXPECT_FALSE(group.Done(3));
  EXPECT_EQ(group->Forget(5), 0u);
}

TEST(GroupState, DeadlinesOfThePastAreNotKept) {
  Group group;
  group->AddMember(7, 10, kMuch);
  for (uint64_t sequence = 1; sequence <= 10000; ++sequence) {
    ASSERT_EQ(group.Offer(), 7u);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(group.Extend(sequence, kSecond + i));
    ASSERT_TRUE(group.Done(sequence));
  }
  EXPECT_EQ(group->NextTime(), std::nullopt);
  EXPECT_THAT(group.PassTime(60 * kSecond), IsEmpty());
}

TEST(GroupChanges, InOrderOnlyTheMarksAreWritten) {
  Group group;
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
  Group group;
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
  Group group;
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
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  group->Skip();
  const GroupState::Changes changes = group->TakeChanges();
  EXPECT_EQ(changes.delivered, 2u);
  EXPECT_THAT(changes.put, IsEmpty());
  ASSERT_TRUE(group.Done(1));
  EXPECT_EQ(group->floor(), 2u);
}

TEST(GroupDelivery, NobodyActsOnADeliveryThatHasEnded) {
  Group group;
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
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t delivery = group->DeliveryOf(1);
  group.Remove(7);
  EXPECT_TRUE(group->Done(1, delivery));
  EXPECT_EQ(group->floor(), 1u);
}

TEST(GroupDelivery, FirstDeliveriesOfAMemberHaveOneName) {
  Group group;
  group->AddMember(7, 100, kMuch);
  group->AddMember(8, 100, kMuch);
  std::map<uint64_t, std::set<uint64_t>> names;
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) names[*group.Offer()].insert(group->DeliveryOf(sequence));
  EXPECT_EQ(names[7].size(), 1u);
  EXPECT_EQ(names[8].size(), 1u);
  EXPECT_NE(names[7], names[8]);
}

TEST(GroupDelivery, GroupThatWasSetBackNamesDeliveriesAnew) {
  Group group;
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
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  const uint64_t before = group->DeliveryOf(1);
  group.Remove(7);
  group->AddMember(7, 100, kMuch);
  ASSERT_THAT(group.Deliver(), ElementsAre("1>7#2"));
  EXPECT_NE(group->DeliveryOf(1) >> 10, before >> 10);
}

TEST(GroupDelivery, MessageThatDidNotGoOutHasAllItsAttempts) {
  Group group;  // three attempts
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
  Group group;
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  ASSERT_TRUE(group->Return(1, group->DeliveryOf(1)));
  const GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  EXPECT_EQ(changes.put[0].attempts, 0u);
  EXPECT_FALSE(changes.put[0].done);
}

TEST(GroupAtHand, AMessageThatIsNotWaitsUncountedUntilItIs) {
  Group group;
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
  Group group(ByKey());
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
  Group group;
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

TEST(GroupRestart, WhatWasNotDoneComesAgainWithItsAttempts) {
  Group group(Policy(), {.floor = 10, .delivered = 14, .items = {{12, true, 1}, {13, false, 2}, {14, false, 3}}});
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
  Group before(Policy(), {.floor = 10, .delivered = 10, .items = {}}, {.earliest = 5, .last = 5});
  before->AddMember(7, 100, kMuch);
  std::map<uint64_t, uint64_t> delivery;
  for (uint64_t sequence = 11; sequence <= 13; ++sequence) {
    ASSERT_EQ(before.Offer(), 7u);
    delivery[sequence] = before->DeliveryOf(sequence);
  }
  const GroupState::Changes changes = before->TakeChanges();
  const GroupState::Saved saved = {.floor = changes.floor, .delivered = changes.delivered, .items = changes.put};
  Group group(Policy(), saved, {.earliest = 5, .last = 9});
  EXPECT_TRUE(group->Done(11, delivery[11]));
  EXPECT_EQ(group->floor(), 11u);
  EXPECT_EQ(group->next(), 12u);
  EXPECT_TRUE(group->Terminate(12, delivery[12], "bad"));
  EXPECT_EQ(group->next(), 13u);
  EXPECT_TRUE(group->Done(13, delivery[13]));
  EXPECT_EQ(group->next(), 14u);
  EXPECT_FALSE(group->Done(14, delivery[13]));

  Group sought(Policy(), saved, {.earliest = before->last_stint(), .last = 9});
  EXPECT_FALSE(sought->Done(11, delivery[11])) << "it was set back since";
}

TEST(GroupRestart, AcknowledgementOfBeforeComesTooLateOnceItIsDeliveredAgain) {
  Group before;
  before->AddMember(7, 100, kMuch);
  ASSERT_EQ(before.Offer(), 7u);
  const uint64_t first = before->DeliveryOf(1);
  before->TakeChanges();
  Group group(Policy(), {.floor = 0, .delivered = 1, .items = {}}, {.earliest = 0, .last = 9});
  group->AddMember(7, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_FALSE(group->Done(1, first));
  EXPECT_TRUE(group.Done(1));
}

TEST(GroupRestart, MessageThatOnlyWaitedHasAllItsAttempts) {
  GroupPolicy policy = ByKey();
  policy.attempts_max = 1;
  Group group(policy);
  group->AddMember(7, 1, kMuch);
  group->AddMember(8, 1, kMuch);
  ASSERT_EQ(group.Offer("a"), 7u);
  ASSERT_EQ(group.Offer("a"), 0u);
  const GroupState::Changes changes = group->TakeChanges();
  ASSERT_EQ(changes.put.size(), 1u);
  Group restarted(policy, {.floor = changes.floor, .delivered = changes.delivered, .items = changes.put});
  restarted->AddMember(8, 10, kMuch);
  EXPECT_EQ(restarted.Offer("a"), 0u);
  EXPECT_EQ(restarted.Offer("a"), 8u);
  EXPECT_THAT(restarted.TakeDead(), ElementsAre("1:MAX_ATTEMPTS#1"));
}

TEST(GroupRestart, NonsenseIsBounded) {
  Group group(Policy(), {.floor = 5, .delivered = UINT64_MAX, .items = {{3, true, 1}, {UINT64_MAX, true, 1}}});
  EXPECT_EQ(group->waiting(), GroupState::kWindowMax);
  EXPECT_THAT(group->TakeChanges().erase, ElementsAre(3u, UINT64_MAX));
  Group backwards(Policy(), {.floor = 5, .delivered = 2, .items = {}});
  EXPECT_EQ(backwards->next(), 6u);
}

}  // namespace
}  // namespace nmq::broker
