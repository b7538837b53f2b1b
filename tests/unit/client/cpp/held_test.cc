#include "client/cpp/held.h"

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq::internal {
namespace {

constexpr absl::Duration S(double seconds) { return absl::Seconds(seconds); }

// The deadline is 4 s, so a look is due every second.
class HeldTest : public testing::Test {
 protected:
  HeldTest() { held_.set_deadline(S(4)); }

  // How many seconds of which messages are asked for.
  std::vector<std::vector<int64_t>> Due(absl::Duration now) {
    const Held::Extensions due = held_.Due(now);
    held_.OnExtended(due, true, now);
    std::vector<std::vector<int64_t>> said;
    for (const v1::Acknowledgement& each : due.acknowledgements) {
      said.push_back({static_cast<int64_t>(each.first()), static_cast<int64_t>(each.last()), each.extend().seconds()});
    }
    return said;
  }

  Held held_{absl::ZeroDuration()};
};

using Said = std::vector<std::vector<int64_t>>;

TEST_F(HeldTest, WhatWaitsIsExtendedForTheWholeDeadlineInRanges) {
  for (const Held::Key& key : std::vector<Held::Key>{{1, 1}, {1, 2}, {1, 4}, {2, 5}}) held_.Add(key, S(0));
  EXPECT_EQ(Due(S(1)), (Said{{1, 2, 4}, {4, 0, 4}, {5, 0, 4}}));
}

TEST_F(HeldTest, TheDeadlineStartsWhenTheProgramIsGivenAMessage) {
  held_.Add({1, 1}, S(0));
  EXPECT_EQ(Due(S(1)), (Said{{1, 0, 4}}));
  EXPECT_EQ(held_.HandOut({1, 1}, S(1)), true);
  EXPECT_EQ(Due(S(2)), (Said{{1, 0, 3}}));
  EXPECT_EQ(Due(S(3)), Said{}) << "the rest of the time is the program's own";
}

TEST_F(HeldTest, AfterAStallNothingIsCertainNorWhatArrivesThen) {
  held_.Add({1, 1}, S(0));
  held_.Add({1, 2}, S(10));
  EXPECT_EQ(held_.HandOut({1, 1}, S(10)), std::nullopt);
  EXPECT_EQ(held_.HandOut({1, 2}, S(10)), std::nullopt);
  EXPECT_TRUE(held_.OnAsked({1, 1}, true, S(10)));
  EXPECT_FALSE(held_.OnAsked({1, 2}, false, S(10)));
}

TEST_F(HeldTest, WhatALostStreamHadDeliveredIsNotHandedOut) {
  held_.Add({1, 1}, S(0));
  held_.DropAll();
  EXPECT_EQ(held_.HandOut({1, 1}, S(0)), false);
}

TEST_F(HeldTest, WorkThatOutlivedItsStreamIsDoneForTheDeliveryThatCameAgain) {
  held_.Add({1, 1}, S(0));
  EXPECT_EQ(held_.HandOut({1, 1}, S(0)), true);
  held_.DropAll();
  held_.Add({7, 1}, S(1));
  v1::AcknowledgeRequest request;
  v1::Acknowledgement* const done = request.add_acknowledgements();
  done->set_delivery(1);
  done->set_first(1);
  held_.Settle(&request);
  EXPECT_EQ(request.acknowledgements(0).delivery(), 7);
  EXPECT_EQ(held_.HandOut({7, 1}, S(1)), false);
}

TEST_F(HeldTest, ARangeSettlesAllInIt) {
  for (uint64_t sequence = 1; sequence <= 4; ++sequence) held_.Add({1, sequence}, S(0));
  v1::AcknowledgeRequest request;
  v1::Acknowledgement* const done = request.add_acknowledgements();
  done->set_delivery(1);
  done->set_first(1);
  done->set_last(3);
  held_.Settle(&request);
  EXPECT_EQ(Due(S(1)), (Said{{4, 0, 4}}));
}

}  // namespace
}  // namespace nmq::internal
