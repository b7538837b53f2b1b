#include "server/group/group_state.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/group/lone_group.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupState, EachMessageGoesToTheMemberWithTheFewest) {
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group(policy);
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
  LoneGroup group(policy);
  group->AddMember(7, 100, kMuch);
  group->AddMember(8, 100, kMuch);
  ASSERT_EQ(group.Offer(), 7u);
  EXPECT_THAT(group.PassTime(30 * kSecond), IsEmpty());
  EXPECT_THAT(group.PassTime(kSecond), ElementsAre("1>8#2"));
  group.Remove(8);
  EXPECT_THAT(group.Deliver(), ElementsAre("1>7#3"));
}

TEST(GroupState, ExtendMovesTheDeadline) {
  LoneGroup group;
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
  LoneGroup group;  // three attempts
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
  group->AddMember(7, 10, 100);
  ASSERT_EQ(group.Offer("", 1), 7u);
  EXPECT_EQ(group.Offer("", 1000), std::nullopt);
  ASSERT_TRUE(group.Done(1));
  EXPECT_EQ(group.Offer("", 1000), 7u);
  EXPECT_FALSE(group->WantsNew());
}

TEST(GroupState, SmallNewMessagesDoNotHoldUpALargeOneThatWaits) {
  LoneGroup group;
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
  LoneGroup group(ByKey());
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
  LoneGroup group(ByKey());
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
  LoneGroup group(ByKey());
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
  LoneGroup group(ByKey());
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
  LoneGroup group(ByKey());
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
  LoneGroup group(ByKey());
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
  LoneGroup group;
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
  LoneGroup group;
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
  LoneGroup group;
  group->AddMember(7, 10, kMuch);
  for (uint64_t sequence = 1; sequence <= 10000; ++sequence) {
    ASSERT_EQ(group.Offer(), 7u);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(group.Extend(sequence, kSecond + i));
    ASSERT_TRUE(group.Done(sequence));
  }
  EXPECT_EQ(group->NextTime(), std::nullopt);
  EXPECT_THAT(group.PassTime(60 * kSecond), IsEmpty());
}

}  // namespace
}  // namespace nmq::broker
