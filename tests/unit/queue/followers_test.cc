#include "server/queue/followers.h"

#include <memory>

#include "gtest/gtest.h"

namespace nmq::broker {
namespace {

struct Counting final : Follower {
  void Wake() override { ++wakes; }
  int wakes = 0;
};

TEST(Followers, AreWokenUntilTheyAreRemoved) {
  Followers followers;
  auto one = std::make_shared<Counting>();
  auto other = std::make_shared<Counting>();
  followers.Add(one);
  followers.Add(other);
  followers.Wake();
  followers.Remove(one.get());
  followers.Wake();
  EXPECT_EQ(one->wakes, 1);
  EXPECT_EQ(other->wakes, 2);
  EXPECT_EQ(followers.size(), 1u);
}

TEST(Followers, OneThatIsGoneCanStillBeRemoved) {
  Followers followers;
  auto gone = std::make_shared<Counting>();
  const Follower* const pointer = gone.get();
  followers.Add(gone);
  gone = nullptr;
  followers.Wake();
  followers.Remove(pointer);
  followers.Remove(pointer);
  EXPECT_EQ(followers.size(), 0u);
}

}  // namespace
}  // namespace nmq::broker
