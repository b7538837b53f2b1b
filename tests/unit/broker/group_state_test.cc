#include "server/broker/group_state.h"

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
  explicit Group(const GroupPolicy& policy = Policy(), const GroupState::Saved& saved = {}) : state_(policy, saved) {}

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
  bool Retry(uint64_t sequence, int64_t after = 0) { return state_.Retry(sequence, after, now); }
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
  EXPECT_TRUE(group->Done(1));
  EXPECT_TRUE(group->Done(3));
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

}  // namespace
}  // namespace nmq::broker
