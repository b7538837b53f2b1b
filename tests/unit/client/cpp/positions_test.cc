#include "client/cpp/positions.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using nmq::fake::At;
using nmq::fake::GapFrame;
using nmq::fake::ReadyFrame;
using Arrival = Positions::Arrival;

class PositionsTest : public ::testing::Test {
 protected:
  void FirstReady(const std::vector<v1::QueuePosition>& ready, const v1::StartPosition& start = StartNew()) {
    positions_.OnFirstReady(ReadyFrame(ready).ready(), start);
  }
  void ResumedReady(const std::vector<v1::QueuePosition>& ready) {
    positions_.OnResumedReady(ReadyFrame(ready).ready());
  }
  Arrival Message(uint64_t epoch, uint64_t sequence, const std::string& queue = "DB") {
    lost_.Clear();
    return positions_.OnPosition(queue, epoch, sequence, &lost_);
  }
  bool GapOf(uint64_t epoch, uint64_t first, uint64_t last, v1::GapReason reason = v1::GAP_REASON_SLOW_SUBSCRIBER) {
    return positions_.OnGap(GapFrame("DB", epoch, first, last, reason).gap());
  }
  // The position of "DB".
  uint64_t Epoch() { return positions_.List().at(0).epoch(); }
  uint64_t Sequence() { return positions_.List().at(0).sequence(); }

  Positions positions_;
  Gap lost_;
};

TEST_F(PositionsTest, FirstReadyIsWhereToGoOn) {
  FirstReady({At("DB", 3, 10), At("FS", 4, 0)});
  const v1::StartPosition resume = positions_.Resume();
  ASSERT_EQ(resume.resume().positions_size(), 2);
  EXPECT_EQ(resume.resume().positions(0).queue(), "DB");
  EXPECT_EQ(resume.resume().positions(0).sequence(), 10u);
  EXPECT_EQ(resume.resume().positions(1).epoch(), 4u);
}

TEST_F(PositionsTest, ResumeIsAskedForEvenWithoutAnyQueue) {
  FirstReady({});
  EXPECT_TRUE(positions_.Resume().has_resume());
}

TEST_F(PositionsTest, MessageIsNewOnce) {
  FirstReady({At("DB", 3, 10)});
  EXPECT_EQ(Message(3, 11), Arrival::kNew);
  EXPECT_EQ(Message(3, 11), Arrival::kKnown);
  EXPECT_EQ(Message(3, 10), Arrival::kKnown);
  EXPECT_EQ(Message(3, 15), Arrival::kNew);
  EXPECT_EQ(Sequence(), 15u);
}

TEST_F(PositionsTest, QueuesDoNotMix) {
  FirstReady({At("DB", 3, 10), At("FS", 3, 1)});
  EXPECT_EQ(Message(3, 2, "FS"), Arrival::kNew);
  EXPECT_EQ(Message(3, 11, "DB"), Arrival::kNew);
  EXPECT_EQ(Message(3, 3, "FS"), Arrival::kNew);
}

TEST_F(PositionsTest, QueueMadeLaterIsFollowed) {
  FirstReady({});
  EXPECT_EQ(Message(9, 1), Arrival::kNew);
  EXPECT_EQ(Message(9, 1), Arrival::kKnown);
  EXPECT_EQ(Epoch(), 9u);
}

TEST_F(PositionsTest, ReadyAfterTheStartThatWasAskedForDoesNotHideTheGap) {
  FirstReady({At("DB", 3, 40)}, StartAtSequence(5));
  EXPECT_EQ(Sequence(), 4u);
}

TEST_F(PositionsTest, ReadyBeforeTheStartThatWasAskedForStays) {
  FirstReady({At("DB", 3, 4)}, StartAtSequence(5));
  EXPECT_EQ(Sequence(), 4u);
}

TEST_F(PositionsTest, PositionsOfAnEarlierRunAreKeptUntilTheGapArrives) {
  FirstReady({At("DB", 4, 0)}, StartAfter({At("DB", 3, 10), At("FS", 2, 1)}));
  EXPECT_EQ(Epoch(), 3u);
  EXPECT_EQ(Sequence(), 10u);
  EXPECT_EQ(positions_.List().at(1).queue(), "FS");
  EXPECT_TRUE(GapOf(3, 11, 0, v1::GAP_REASON_EPOCH_CHANGED));
  EXPECT_EQ(Epoch(), 4u);
  EXPECT_EQ(Sequence(), 0u);
}

TEST_F(PositionsTest, ResumedReadyMovesNothing) {
  FirstReady({At("DB", 3, 10)});
  ResumedReady({At("DB", 3, 50)});
  EXPECT_EQ(Sequence(), 10u);
}

TEST_F(PositionsTest, ResumedReadyAddsQueuesMadeMeanwhile) {
  FirstReady({});
  ResumedReady({At("DB", 3, 0)});
  EXPECT_EQ(Epoch(), 3u);
}

TEST_F(PositionsTest, GapMovesOnAndIsToldOnce) {
  FirstReady({At("DB", 3, 10)});
  EXPECT_TRUE(GapOf(3, 11, 20));
  EXPECT_EQ(Sequence(), 20u);
  EXPECT_FALSE(GapOf(3, 11, 20));
  EXPECT_EQ(Message(3, 20), Arrival::kKnown);
  EXPECT_EQ(Message(3, 21), Arrival::kNew);
}

TEST_F(PositionsTest, GapOfUnknownSizeIsToldAndMovesNothing) {
  FirstReady({At("DB", 3, 10)});
  EXPECT_TRUE(GapOf(3, 11, 0));
  EXPECT_EQ(Sequence(), 10u);
}

TEST_F(PositionsTest, GapOfAnUnknownQueueIsTold) {
  FirstReady({});
  EXPECT_TRUE(GapOf(3, 1, 20));
  EXPECT_EQ(Sequence(), 20u);
}

TEST_F(PositionsTest, EpochGapMovesToTheNewEpochThatReadyNamed) {
  FirstReady({At("DB", 3, 10)});
  ResumedReady({At("DB", 4, 0)});
  EXPECT_EQ(Epoch(), 3u);
  EXPECT_TRUE(GapOf(3, 11, 0, v1::GAP_REASON_EPOCH_CHANGED));
  EXPECT_EQ(Epoch(), 4u);
  EXPECT_EQ(Sequence(), 0u);
  EXPECT_EQ(Message(4, 1), Arrival::kNew);
}

TEST_F(PositionsTest, EpochGapIsToldOnceEvenIfTheStreamBreaksBehindIt) {
  FirstReady({At("DB", 3, 10)});
  EXPECT_TRUE(GapOf(3, 11, 0, v1::GAP_REASON_EPOCH_CHANGED));
  EXPECT_FALSE(GapOf(3, 11, 0, v1::GAP_REASON_EPOCH_CHANGED));
  EXPECT_EQ(Message(4, 1), Arrival::kNew);
}

TEST_F(PositionsTest, NewEpochWithoutAGapIsItselfALoss) {
  FirstReady({At("DB", 3, 10)});
  EXPECT_EQ(Message(4, 1), Arrival::kNewEpoch);
  EXPECT_EQ(lost_.queue(), "DB");
  EXPECT_EQ(lost_.epoch(), 3u);
  EXPECT_EQ(lost_.first(), 11u);
  EXPECT_EQ(lost_.last(), 0u);
  EXPECT_EQ(lost_.reason(), v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(Message(4, 2), Arrival::kNew);
}

TEST_F(PositionsTest, SameSequenceInAnotherEpochIsNew) {
  FirstReady({At("DB", 3, 10)});
  GapOf(3, 11, 0, v1::GAP_REASON_EPOCH_CHANGED);
  EXPECT_EQ(Message(4, 10), Arrival::kNew);
}

TEST_F(PositionsTest, MayBeListedWhileMessagesCome) {
  FirstReady({At("DB", 3, 0)});
  std::atomic<bool> started = false;
  std::thread lister([&] {
    uint64_t last = 0;
    while (last < 1000) {
      const std::vector<v1::QueuePosition> positions = positions_.List();
      ASSERT_EQ(positions.size(), 1u);
      ASSERT_GE(positions[0].sequence(), last);
      last = positions[0].sequence();
      started = true;
    }
  });
  while (!started) std::this_thread::yield();
  for (uint64_t sequence = 1; sequence <= 1000; ++sequence) EXPECT_EQ(Message(3, sequence), Arrival::kNew);
  lister.join();
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
