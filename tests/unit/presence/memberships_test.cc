#include "server/presence/memberships.h"

#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kSelf = 1;
constexpr uint64_t kRoom = 2;

TEST(Memberships, ClientIsAlwaysAMemberOfItself) {
  const Memberships memberships(kSelf);
  EXPECT_TRUE(memberships.Contains(kSelf, 0));
  EXPECT_TRUE(memberships.Contains(kSelf, 1000));
  EXPECT_FALSE(memberships.Contains(kRoom, 1000));
}

TEST(Memberships, MemberFromTheJoinOn) {
  Memberships memberships(kSelf);
  memberships.Join(kRoom, 10);
  EXPECT_FALSE(memberships.Contains(kRoom, 9));
  EXPECT_TRUE(memberships.Contains(kRoom, 10));
  EXPECT_TRUE(memberships.Contains(kRoom, 1000));
  EXPECT_EQ(memberships.JoinStamp(kRoom), 10u);
  memberships.Join(kRoom, 20);
  EXPECT_EQ(memberships.JoinStamp(kRoom), 10u) << "joining twice changes nothing";
}

TEST(Memberships, MemberUntilTheLeaveIfThatIsKept) {
  Memberships memberships(kSelf);
  memberships.Join(kRoom, 10);
  memberships.Leave(kRoom, 20, 0, /*keep=*/true);
  EXPECT_FALSE(memberships.Contains(kRoom, 9));
  EXPECT_TRUE(memberships.Contains(kRoom, 10));
  EXPECT_TRUE(memberships.Contains(kRoom, 19));
  EXPECT_FALSE(memberships.Contains(kRoom, 20));
  EXPECT_EQ(memberships.JoinStamp(kRoom), 0u);
  EXPECT_EQ(memberships.size(), 1u);
}

TEST(Memberships, LeaveThatIsNotKeptLeavesNothing) {
  Memberships memberships(kSelf);
  memberships.Join(kRoom, 10);
  memberships.Leave(kRoom, 20, 0, /*keep=*/false);
  EXPECT_FALSE(memberships.Contains(kRoom, 15));
  EXPECT_EQ(memberships.size(), 0u);
  memberships.Leave(kRoom, 30, 0, /*keep=*/true);
  EXPECT_EQ(memberships.size(), 0u) << "it was not in the room";
}

TEST(Memberships, SeveralStaysAreToldApart) {
  Memberships memberships(kSelf);
  for (const uint64_t begin : {10, 30, 50, 70}) {
    memberships.Join(kRoom, begin);
    memberships.Leave(kRoom, begin + 10, 0, /*keep=*/true);
  }
  memberships.Join(kRoom, 90);
  for (uint64_t stamp = 0; stamp < 120; ++stamp) {
    const bool inside = stamp >= 90 || (stamp >= 10 && stamp / 10 % 2 == 1);
    EXPECT_EQ(memberships.Contains(kRoom, stamp), inside) << stamp;
  }
  EXPECT_EQ(memberships.size(), 5u);
}

TEST(Memberships, ForgetsWhatWasLeftBefore) {
  Memberships memberships(kSelf);
  for (uint64_t room = 2; room < 12; ++room) {
    memberships.Join(room, room * 10);
    memberships.Leave(room, room * 10 + 5, static_cast<int64_t>(room) * 100, /*keep=*/true);
  }
  memberships.Forget(500);
  EXPECT_EQ(memberships.size(), 7u);
  EXPECT_FALSE(memberships.Contains(4, 40));
  EXPECT_TRUE(memberships.Contains(5, 50));
  memberships.Forget(1'000'000);
  EXPECT_EQ(memberships.size(), 0u);
}

TEST(Memberships, AgreesWithAPlainListOfStays) {
  struct Stay {
    uint64_t joined;
    uint64_t left;
    int64_t left_us;
  };
  std::mt19937 random(11);
  Memberships memberships(kSelf);
  std::map<uint64_t, uint64_t> joined;
  std::map<uint64_t, std::vector<Stay>> past;
  int64_t forgotten_us = 0;
  for (uint64_t stamp = 1; stamp < 5000; ++stamp) {
    const uint64_t room = 2 + random() % 5;
    const auto now_us = static_cast<int64_t>(stamp * 10);
    if (joined.count(room) == 0) {
      memberships.Join(room, stamp);
      joined[room] = stamp;
    } else {
      const bool keep = random() % 4 != 0;
      memberships.Leave(room, stamp, now_us, keep);
      if (keep) past[room].push_back({joined[room], stamp, now_us});
      joined.erase(room);
    }
    if (stamp % 50 == 0) {
      forgotten_us = now_us - 2000;
      memberships.Forget(forgotten_us);
    }
    const uint64_t asked = 1 + random() % stamp;
    bool expected = joined.count(room) > 0 && joined[room] <= asked;
    for (const Stay& stay : past[room]) {
      if (stay.left_us >= forgotten_us && stay.joined <= asked && asked < stay.left) expected = true;
    }
    ASSERT_EQ(memberships.Contains(room, asked), expected) << "room " << room << " at " << asked << " of " << stamp;
  }
}

}  // namespace
}  // namespace nmq::broker
