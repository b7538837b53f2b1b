#include "tests/bench/nmq/heard_stream.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {
namespace {

class HeardStreamTest : public testing::Test {
 protected:
  bool Hear(HeardStream* heard, const nmq::v1::SubscribeResponse& frame) {
    const std::string bytes = frame.SerializeAsString();
    const absl::string_view piece = bytes;
    return heard->OnFrame(absl::MakeConstSpan(&piece, 1));
  }

  // Messages of these sequences, the first of which was published at this time.
  static nmq::v1::SubscribeResponse Batch(uint64_t first, uint64_t last, int64_t published = 0) {
    nmq::v1::SubscribeResponse response;
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      nmq::v1::Message* const message = response.mutable_batch()->add_messages();
      message->set_sequence(sequence);
      std::string payload(16, 'x');
      std::memcpy(payload.data(), &published, sizeof(published));
      message->set_payload(payload);
    }
    return response;
  }

  static nmq::v1::SubscribeResponse Gap(uint64_t first, uint64_t last) {
    nmq::v1::SubscribeResponse response;
    response.mutable_gap()->set_first(first);
    response.mutable_gap()->set_last(last);
    return response;
  }

  static ReceiveTotals TotalsOf(const HeardStream& heard) {
    ReceiveTotals totals;
    heard.AddTo(&totals);
    return totals;
  }

  HearingLane lane_;
  StreamBoard board_{1};
};

TEST_F(HeardStreamTest, CountsMessagesAndWhatTheServerSaysIsMissing) {
  HeardStream heard(&lane_, &board_, {});
  EXPECT_TRUE(Hear(&heard, Batch(1, 3)));
  EXPECT_TRUE(Hear(&heard, Gap(4, 9)));
  EXPECT_TRUE(Hear(&heard, Batch(10, 10)));
  const ReceiveTotals totals = TotalsOf(heard);
  EXPECT_EQ(totals.messages, 4u);
  EXPECT_EQ(totals.missing, 6u);
  EXPECT_EQ(totals.gaps, 1u);
  EXPECT_EQ(totals.disorder, 0u);
  EXPECT_EQ(heard.progress(), 10u);
}

TEST_F(HeardStreamTest, FrameThatIsHeardTwiceOrTooEarlyIsDisorder) {
  HeardStream heard(&lane_, &board_, {});
  EXPECT_TRUE(Hear(&heard, Batch(1, 3)));
  EXPECT_TRUE(Hear(&heard, Batch(3, 4)));
  EXPECT_TRUE(Hear(&heard, Batch(7, 7)));
  EXPECT_EQ(TotalsOf(heard).disorder, 2u);
}

TEST_F(HeardStreamTest, OneWhoHearsAPartMayMissSequencesButNotGoBack) {
  HeardStream heard(&lane_, &board_, {.whole = false});
  EXPECT_TRUE(Hear(&heard, Batch(2, 3)));
  EXPECT_TRUE(Hear(&heard, Batch(70, 70)));
  EXPECT_EQ(TotalsOf(heard).disorder, 0u);
  EXPECT_TRUE(Hear(&heard, Batch(69, 69)));
  EXPECT_EQ(TotalsOf(heard).disorder, 1u);
}

TEST_F(HeardStreamTest, ReadyIsSaidToTheBoardWithItsHeartbeat) {
  HeardStream heard(&lane_, &board_, {});
  nmq::v1::SubscribeResponse ready;
  ready.mutable_ready()->mutable_heartbeat()->set_seconds(15);
  ready.mutable_ready()->add_positions()->set_sequence(41);
  EXPECT_TRUE(Hear(&heard, ready));
  EXPECT_TRUE(board_.AwaitReady(absl::ZeroDuration()).ok());
  EXPECT_EQ(board_.heartbeat(), absl::Seconds(15));
  EXPECT_TRUE(Hear(&heard, Batch(42, 42)));
  EXPECT_EQ(TotalsOf(heard).disorder, 0u);
}

TEST_F(HeardStreamTest, LatencyIsOfMessagesThatWerePublishedInTime) {
  HeardStream heard(&lane_, &board_, {.look = Look::kAll});
  EXPECT_TRUE(Hear(&heard, Batch(1, 1, Now())));
  const int64_t from = Now();
  lane_.record_from.store(from);
  EXPECT_TRUE(Hear(&heard, Batch(2, 2, from - 1)));
  EXPECT_TRUE(Hear(&heard, Batch(3, 5, from)));
  EXPECT_EQ(lane_.latency.count(), 3u);
}

TEST_F(HeardStreamTest, WhatIsNoFrameIsRefused) {
  HeardStream heard(&lane_, &board_, {});
  EXPECT_FALSE(Hear(&heard, {}));
  EXPECT_FALSE(Hear(&heard, Gap(9, 8)));
}

}  // namespace
}  // namespace nmq::bench
