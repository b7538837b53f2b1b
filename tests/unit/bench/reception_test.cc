#include "tests/bench/peers/reception.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/bench/harness/client.h"
#include "tests/bench/harness/payload.h"

namespace nmq::bench {
namespace {

std::string Message(uint64_t number, int64_t time = 0) { return MakePayload({.time = time, .number = number}, 32); }

TEST(Ear, CountsMessages) {
  LatencyBoard latencies;
  Ear ear(true, false, &latencies);
  for (uint64_t i = 0; i < 100; ++i) ear.Heard(Message(i));
  EXPECT_EQ(ear.messages(), 100u);
  EXPECT_EQ(ear.disorder(), 0u);
}

TEST(Ear, WholeQueueMayMissNothing) {
  LatencyBoard latencies;
  Ear whole(true, false, &latencies);
  Ear part(false, false, &latencies);
  for (Ear* ear : {&whole, &part}) {
    ear->Heard(Message(0));
    ear->Heard(Message(2));
  }
  EXPECT_EQ(whole.disorder(), 1u);
  EXPECT_EQ(part.disorder(), 0u);
}

TEST(Ear, MessageThatComesTwiceIsOutOfOrder) {
  LatencyBoard latencies;
  Ear ear(false, false, &latencies);
  ear.Heard(Message(5));
  ear.Heard(Message(5));
  EXPECT_EQ(ear.disorder(), 1u);
}

TEST(Ear, PayloadWithoutAStampIsOutOfOrder) {
  LatencyBoard latencies;
  Ear ear(false, false, &latencies);
  ear.Heard("short");
  EXPECT_EQ(ear.messages(), 1u);
  EXPECT_EQ(ear.disorder(), 1u);
}

TEST(Ear, LooksAtEveryLatencyOnlyIfAsked) {
  LatencyBoard some, all;
  Ear seldom(true, false, &some);
  Ear always(true, true, &all);
  some.Record(1, INT64_MAX);
  all.Record(1, INT64_MAX);
  for (uint64_t i = 0; i < 640; ++i) {
    seldom.Heard(Message(i, Now()));
    always.Heard(Message(i, Now()));
  }
  EXPECT_EQ(some.Merged().count(), 10u);
  EXPECT_EQ(all.Merged().count(), 640u);
}

TEST(LatencyBoard, RecordsWhatWasPublishedInTime) {
  LatencyBoard board;
  const int64_t start = Now();
  board.Heard(start);
  EXPECT_EQ(board.Merged().count(), 0u);
  board.Record(start, start + 10);
  board.Heard(start - 1);
  board.Heard(start);
  board.Heard(start + 9);
  board.Heard(start + 10);
  EXPECT_EQ(board.Merged().count(), 2u);
}

TEST(LatencyBoard, MergesWhatThreadsRecorded) {
  LatencyBoard board;
  board.Record(1, INT64_MAX);
  const auto hear = [&board] { board.Heard(Now()); };
  std::thread(hear).join();
  std::thread(hear).join();
  hear();
  EXPECT_EQ(board.Merged().count(), 3u);
}

TEST(LatencyBoard, ThreadRecordsOnTheBoardThatItHearsFor) {
  LatencyBoard one, other;
  one.Record(1, INT64_MAX);
  other.Record(1, INT64_MAX);
  for (LatencyBoard* board : {&one, &other, &one}) board->Heard(Now());
  EXPECT_EQ(one.Merged().count(), 2u);
  EXPECT_EQ(other.Merged().count(), 1u);
}

}  // namespace
}  // namespace nmq::bench
