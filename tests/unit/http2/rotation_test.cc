#include "server/http2/rotation.h"

#include <string>

#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

struct One {
  explicit One(char letter) : name(letter) {}
  const char name;
  Rotation<One>::Entry place{this};
};

class RotationTest : public testing::Test {
 protected:
  std::string TakeAllFresh() {
    std::string names;
    while (rotation_.has_fresh()) names += rotation_.TakeFresh()->owner()->name;
    return names;
  }
  // The next one with work does so much of it, and still has more.
  char Work(uint64_t work) {
    Rotation<One>::Entry* const entry = rotation_.TakeLeft();
    rotation_.AddLeft(entry);
    rotation_.Charge(entry, work);
    return entry->owner()->name;
  }
  std::string WorkTimes(int times, uint64_t work) {
    std::string names;
    for (int i = 0; i < times; ++i) names += Work(work);
    return names;
  }

  Rotation<One> rotation_;
  One a_{'a'};
  One b_{'b'};
  One c_{'c'};
};

TEST_F(RotationTest, FreshComeInTheirOrderAndOnceForAllTheirEvents) {
  rotation_.Add(&a_.place, 1);
  rotation_.Add(&b_.place, 1);
  rotation_.Add(&c_.place, 1);
  rotation_.Add(&a_.place, 4);
  EXPECT_EQ(a_.place.TakeEvents(), 5u);
  EXPECT_EQ(a_.place.TakeEvents(), 0u);
  rotation_.Remove(&b_.place);
  EXPECT_EQ(TakeAllFresh(), "ac");
  rotation_.Add(&b_.place, 1);
  EXPECT_EQ(TakeAllFresh(), "b");
}

TEST_F(RotationTest, NewcomersHaveALineOfTheirOwnUntilTheyAreNoNewcomers) {
  rotation_.AddNew(&a_.place, 1);
  rotation_.AddNew(&b_.place, 1);
  rotation_.Add(&c_.place, 1);
  rotation_.Add(&a_.place, 4);  // where it is already
  EXPECT_EQ(TakeAllFresh(), "c");
  rotation_.Remove(&b_.place);
  ASSERT_TRUE(rotation_.has_new());
  EXPECT_EQ(rotation_.TakeNew(), &a_.place);
  EXPECT_EQ(a_.place.TakeEvents(), 5u);
  EXPECT_FALSE(rotation_.has_new());
  rotation_.Add(&a_.place, 1);
  EXPECT_EQ(TakeAllFresh(), "a");
}

TEST_F(RotationTest, ThoseWithWorkLeftTakeTurns) {
  for (One* const one : {&a_, &b_, &c_}) rotation_.AddLeft(&one->place);
  EXPECT_EQ(WorkTimes(6, 100), "abcabc");
}

TEST_F(RotationTest, WhoHasDoneMoreWaitsForTheOthers) {
  rotation_.AddLeft(&a_.place);
  rotation_.AddLeft(&b_.place);
  EXPECT_EQ(Work(1'000), 'a');
  EXPECT_EQ(WorkTimes(10, 100), "bbbbbbbbbb");
  EXPECT_EQ(Work(1'000), 'a');
}

TEST_F(RotationTest, WhoHadNothingToDoHasNoMoreClaimForThat) {
  rotation_.AddLeft(&a_.place);
  EXPECT_EQ(WorkTimes(100, 100), std::string(100, 'a'));
  rotation_.AddLeft(&b_.place);
  EXPECT_EQ(WorkTimes(6, 100), "bababa");
}

TEST_F(RotationTest, WhoHasWorkLeftIsNotFresh) {
  rotation_.Add(&a_.place, 1);
  rotation_.AddLeft(&a_.place);
  rotation_.Add(&a_.place, 4);
  EXPECT_FALSE(rotation_.has_fresh());
  EXPECT_EQ(a_.place.TakeEvents(), 5u);
  rotation_.Remove(&a_.place);
  EXPECT_FALSE(rotation_.has_left());
}

}  // namespace
}  // namespace nmq::http2
