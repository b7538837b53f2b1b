#include "server/http2/conduct.h"

#include <nghttp2/nghttp2.h>

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq::http2 {
namespace {

ConnectionLimits SmallLimits() {
  ConnectionLimits limits;
  limits.control_burst = 10;
  limits.control_per_second = 5;
  limits.reset_burst = 4;
  limits.reset_per_second = 2;
  limits.header_bytes = 1'000;
  limits.streams = 10;
  return limits;
}

class ConductTest : public testing::Test {
 protected:
  bool Send(uint8_t type, size_t length = 0, uint8_t flags = 0) {
    return conduct_.OnFrameBegin({length, 1, type, flags, 0}, now_);
  }
  // How many of these frames the peer may send now.
  int SendAll(uint8_t type, size_t length = 0, uint8_t flags = 0) {
    constexpr int kMany = 1'000;
    for (int sent = 0; sent < kMany; ++sent) {
      if (!Send(type, length, flags)) return sent;
    }
    return kMany;
  }
  void ExpectOffence(uint32_t error, const std::string& what) {
    ASSERT_NE(conduct_.offence(), nullptr);
    EXPECT_EQ(conduct_.offence(), what);
    EXPECT_EQ(conduct_.error(), error);
  }

  const ConnectionLimits limits_ = SmallLimits();
  absl::Duration now_ = absl::Hours(1);
  Conduct conduct_{&limits_, now_};
};

TEST_F(ConductTest, FramesThatCarryNothingAreAllowedABurstAndThenSoManyASecond) {
  EXPECT_EQ(SendAll(NGHTTP2_PING, 8), 10);
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "too many frames that carry no request");
  now_ += absl::Seconds(1);
  EXPECT_EQ(SendAll(NGHTTP2_SETTINGS), 5);
}

TEST_F(ConductTest, FramesThatCarryNothingCountTogether) {
  for (const uint8_t type : {NGHTTP2_PRIORITY, NGHTTP2_SETTINGS, NGHTTP2_PING, NGHTTP2_WINDOW_UPDATE, NGHTTP2_DATA}) {
    EXPECT_TRUE(Send(type));
    EXPECT_TRUE(Send(type));
  }
  EXPECT_FALSE(Send(0xee));
}

TEST_F(ConductTest, FramesOfRequestsAreNotCounted) {
  EXPECT_EQ(SendAll(NGHTTP2_DATA, 1), 1'000);
  EXPECT_EQ(SendAll(NGHTTP2_DATA, 0, NGHTTP2_FLAG_END_STREAM), 1'000);
  EXPECT_EQ(SendAll(NGHTTP2_HEADERS, 100, NGHTTP2_FLAG_END_HEADERS), 1'000);
  EXPECT_EQ(conduct_.offence(), nullptr);
}

TEST_F(ConductTest, DataThatIsSentAllowsForFourMore) {
  EXPECT_EQ(SendAll(NGHTTP2_PING, 8), 10);
  conduct_.OnDataSent();
  EXPECT_EQ(SendAll(NGHTTP2_PING, 8), 4);
}

TEST_F(ConductTest, ResetsOfBothSidesCountTogetherAndAnAnswerAllowsForOneMore) {
  EXPECT_TRUE(conduct_.CountReset(now_));
  EXPECT_EQ(SendAll(NGHTTP2_RST_STREAM, 4), 3);
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "too many requests that are reset");
  conduct_.OnAnswerSent();
  EXPECT_EQ(SendAll(NGHTTP2_RST_STREAM, 4), 1);
  now_ += absl::Seconds(1);
  EXPECT_EQ(SendAll(NGHTTP2_RST_STREAM, 4), 2);
}

TEST_F(ConductTest, BlockOfHeadersMayHaveTwiceTheBytesOfARequest) {
  EXPECT_TRUE(Send(NGHTTP2_HEADERS, 1'000));
  EXPECT_TRUE(Send(NGHTTP2_CONTINUATION, 1'000, NGHTTP2_FLAG_END_HEADERS));
  EXPECT_TRUE(Send(NGHTTP2_HEADERS, 2'000));
  EXPECT_FALSE(Send(NGHTTP2_CONTINUATION, 1));
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request are too large");
}

TEST_F(ConductTest, BlockOfHeadersHasToEndInTime) {
  conduct_.OnGreeted();
  EXPECT_TRUE(Send(NGHTTP2_HEADERS, 1));
  now_ += absl::Seconds(9);
  EXPECT_TRUE(Send(NGHTTP2_CONTINUATION, 1));
  conduct_.OnTick(now_);
  EXPECT_EQ(conduct_.offence(), nullptr);
  now_ += absl::Seconds(1);
  conduct_.OnTick(now_);
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "the headers of a request do not end");
}

TEST_F(ConductTest, BlockOfHeadersThatHasEndedGrowsNoOlder) {
  conduct_.OnGreeted();
  EXPECT_TRUE(Send(NGHTTP2_HEADERS, 1));
  EXPECT_TRUE(Send(NGHTTP2_CONTINUATION, 1, NGHTTP2_FLAG_END_HEADERS));
  conduct_.OnTick(now_ + absl::Hours(1));
  EXPECT_EQ(conduct_.offence(), nullptr);
}

TEST_F(ConductTest, PeerHasToGreetInTime) {
  conduct_.OnTick(now_ + absl::Seconds(9));
  EXPECT_EQ(conduct_.offence(), nullptr);
  conduct_.OnTick(now_ + absl::Seconds(10));
  ExpectOffence(NGHTTP2_SETTINGS_TIMEOUT, "the preface and the first settings have not come");
}

TEST_F(ConductTest, PeerHasToReadWhatItAsksFor) {
  conduct_.OnRead(100, 1'040, now_);
  EXPECT_EQ(conduct_.offence(), nullptr);
  conduct_.OnRead(100, 1'041, now_);
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "more frames wait than the peer takes");
}

TEST_F(ConductTest, WhatNghttp2SaysOfTheBytesIsAnOffence) {
  conduct_.OnRead(NGHTTP2_ERR_BAD_CLIENT_MAGIC, 0, now_);
  ExpectOffence(NGHTTP2_PROTOCOL_ERROR, "what comes is not HTTP/2");
}

// nghttp2 fails when it is told to stop.
TEST_F(ConductTest, FirstOffenceCounts) {
  conduct_.Blame(NGHTTP2_ENHANCE_YOUR_CALM, "the first");
  conduct_.OnRead(NGHTTP2_ERR_CALLBACK_FAILURE, 0, now_);
  ExpectOffence(NGHTTP2_ENHANCE_YOUR_CALM, "the first");
}

}  // namespace
}  // namespace nmq::http2
