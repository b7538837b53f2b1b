#include "server/http2/age_list.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

struct Waiting {
  AgeList<Waiting>::Entry entry{this};
};

class AgeListTest : public testing::Test {
 protected:
  Waiting* oldest() const { return list_.oldest() == nullptr ? nullptr : list_.oldest()->owner(); }
  void Add(Waiting* one, int second) { list_.Add(&one->entry, absl::Seconds(second)); }

  AgeList<Waiting> list_;
  Waiting a_;
  Waiting b_;
  Waiting c_;
};

TEST_F(AgeListTest, OldestComesFirst) {
  EXPECT_EQ(oldest(), nullptr);
  Add(&a_, 1);
  Add(&b_, 2);
  Add(&c_, 2);
  EXPECT_EQ(list_.size(), 3u);
  for (Waiting* const next : {&a_, &b_, &c_}) {
    EXPECT_EQ(oldest(), next);
    EXPECT_TRUE(next->entry.in());
    list_.Remove(&next->entry);
    EXPECT_FALSE(next->entry.in());
  }
  EXPECT_EQ(oldest(), nullptr);
  EXPECT_EQ(list_.size(), 0u);
}

TEST_F(AgeListTest, WhoIsAddedAgainIsTheYoungest) {
  Add(&a_, 1);
  Add(&b_, 2);
  Add(&a_, 3);
  EXPECT_EQ(list_.size(), 2u);
  EXPECT_EQ(oldest(), &b_);
  EXPECT_EQ(a_.entry.since(), absl::Seconds(3));
}

TEST_F(AgeListTest, AnyMayLeaveAndMoreThanOnce) {
  Add(&a_, 1);
  Add(&b_, 2);
  Add(&c_, 3);
  list_.Remove(&b_.entry);
  list_.Remove(&b_.entry);
  EXPECT_EQ(list_.size(), 2u);
  list_.Remove(&a_.entry);
  EXPECT_EQ(oldest(), &c_);
  Add(&b_, 4);
  list_.Remove(&c_.entry);
  EXPECT_EQ(oldest(), &b_);
}

}  // namespace
}  // namespace nmq::http2
