#include "server/http2/connection.h"

#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/test_host.h"

namespace nmq::http2 {
namespace {

using testing::Contains;
using testing::Pair;

class ConnectionTest : public testing::Test {
 protected:
  // With the connection's limits as they are now.
  RawPeer& Peer() {
    if (peer_ == nullptr) peer_ = std::make_unique<RawPeer>(host_.Connect(), [this] { host_.Turn(); });
    return *peer_;
  }
  RawPeer& Greeted() {
    EXPECT_TRUE(Peer().Greet());
    return *peer_;
  }
  TestStream& stream(size_t at = 0) { return *host_.streams.at(at); }

  TestHost host_;
  std::unique_ptr<RawPeer> peer_;
};

TEST_F(ConnectionTest, SaysItsLimitsFirst) {
  RawPeer& peer = Peer();
  peer.Receive();
  ASSERT_FALSE(peer.frames().empty());
  const RawFrame& settings = peer.frames().front();
  EXPECT_EQ(settings.type, NGHTTP2_SETTINGS);
  EXPECT_NE(settings.payload.find(std::string("\0\3", 2) + BigEndian(1'000)), std::string::npos);
  EXPECT_NE(settings.payload.find(std::string("\0\6", 2) + BigEndian(64 << 10)), std::string::npos);
}

TEST_F(ConnectionTest, ThatSendsLittleHasNoBufferForLargeFrames) {
  RawPeer& peer = Peer();
  ASSERT_TRUE(peer.Greet());
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_SETTINGS, 0, 0, std::string("\0\5", 2) + BigEndian(1 << 20))));
  ASSERT_TRUE(peer.Request(1, true));
  const size_t before = mallinfo2().uordblks;  // nothing under a sanitizer, whose heap is another
  stream().body = "world";
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  peer.Receive();
  EXPECT_EQ(peer.BodyOf(1), "world");
  EXPECT_LT(mallinfo2().uordblks, before + (16 << 10));
}

TEST_F(ConnectionTest, RequestIsAnswered) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, false));
  ASSERT_EQ(host_.streams.size(), 1u);
  EXPECT_EQ(stream().headers.Find(":path"), "/test/Echo");
  EXPECT_EQ(stream().headers.Find("te"), "trailers");
  EXPECT_EQ(stream().headers.Find("none"), "");
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "hello")));
  EXPECT_EQ(stream().received, "hello");
  EXPECT_TRUE(stream().ended);

  stream().body = "world";
  stream().finished = true;
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  peer.Receive();
  EXPECT_EQ(peer.BodyOf(1), "world");
  EXPECT_THAT(peer.HeadersOf(1), Contains(Pair(":status", "200")));
  EXPECT_THAT(peer.HeadersOf(1), Contains(Pair("grpc-status", "0")));
  EXPECT_TRUE(stream().closed);
  EXPECT_TRUE(stream().whole);
  EXPECT_EQ(host_.connection()->streams(), 0u);
  EXPECT_THAT(host_.abuses, testing::IsEmpty());
}

TEST_F(ConnectionTest, SoManyRequestsAreUnderWayAndNoMore) {
  host_.limits.streams = 5;
  RawPeer& peer = Greeted();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(peer.Request(2 * i + 1, true));
    EXPECT_THAT(host_.refusals, testing::IsEmpty());
  }
  EXPECT_EQ(host_.streams.size(), 5u);
  peer.Request(11, true);
  EXPECT_EQ(host_.streams.size(), 5u);
  EXPECT_THAT(host_.refusals, testing::ElementsAre("streams_per_connection: 6 exceeds the limit of 5"));
}

TEST_F(ConnectionTest, RequestThatIsOverMakesRoomForAnother) {
  host_.limits.streams = 1;
  RawPeer& peer = Greeted();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(peer.Request(2 * i + 1, true));
    ASSERT_EQ(host_.streams.size(), i + 1u);
    stream(i).connection->Answer(2 * i + 1, {{":status", "200"}, {"grpc-status", "12"}}, /*body=*/false);
    peer.Receive();
  }
  EXPECT_THAT(host_.refusals, testing::IsEmpty());
}

TEST_F(ConnectionTest, StreamThatHasNothingToSayIsResumed) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  peer.Receive();
  EXPECT_EQ(peer.BodyOf(1), "");
  for (const std::string word : {"one", "two"}) {
    stream().body += word;
    stream().connection->Resume(1);
    peer.Receive();
    EXPECT_EQ(peer.BodyOf(1), stream().body);
    EXPECT_EQ(stream().sent, stream().body.size());
  }
  stream().finished = true;
  stream().connection->Resume(1);
  peer.Receive();
  EXPECT_THAT(peer.HeadersOf(1), Contains(Pair("grpc-status", "0")));
  EXPECT_TRUE(stream().closed);
}

TEST_F(ConnectionTest, WhoHasItsAnswerNeedNotSendTheRest) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, false));
  stream().connection->Answer(1, {{":status", "200"}, {"grpc-status", "12"}}, /*body=*/false);
  peer.Receive();
  EXPECT_EQ(peer.reset(1), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(stream().closed);
}

TEST_F(ConnectionTest, WhatAStreamHasNotAskedForStaysInItsWindowAndOthersGoOn) {
  host_.consumes = false;
  host_.limits.window_bytes = 65'535;
  RawPeer& peer = Greeted();
  // More than the connection's window in all, if nobody consumed it.
  constexpr int kStreams = 100;
  const std::string part(13'107, 'x');
  for (int i = 0; i < kStreams; ++i) {
    ASSERT_TRUE(peer.Request(2 * i + 1, false));
    for (int j = 0; j < 5; ++j) ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_DATA, 0, 2 * i + 1, part)));
  }
  int64_t opened = 0;
  for (const RawFrame& frame : peer.Of(NGHTTP2_WINDOW_UPDATE, 0)) {
    for (int i = 0, step = 0; i < 4; ++i) {
      step = step << 8 | static_cast<uint8_t>(frame.payload[i]);
      if (i == 3) opened += step;
    }
  }
  EXPECT_GE(opened, kStreams * 65'535 - 65'535);
  EXPECT_TRUE(peer.Of(NGHTTP2_WINDOW_UPDATE, 1).empty());
  stream().connection->OpenWindow(1, 65'535);
  peer.Receive();
  EXPECT_EQ(peer.Of(NGHTTP2_WINDOW_UPDATE, 1).size(), 1u);

  // Who sends more than its window is reset, alone.
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_DATA, 0, 3, "x")));
  peer.Receive();
  EXPECT_EQ(peer.reset(3), NGHTTP2_FLOW_CONTROL_ERROR);
  EXPECT_TRUE(stream(1).closed);
  EXPECT_FALSE(stream(2).closed);
  EXPECT_EQ(peer.goaway(), -1);
}

TEST_F(ConnectionTest, LongAnswerGoesOutInSharesThoughThePeerTakesLittle) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4", 2) + BigEndian(0x7fffffff))));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(0x7fff0000))));
  ASSERT_TRUE(peer.Request(1, true));
  std::string body(5 << 20, 0);
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i % 251);
  stream().body = body;
  stream().finished = true;
  peer.set_reads(false);
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  for (int i = 0; i < 10; ++i) host_.Turn();
  // One share is under way, besides what the sockets hold.
  EXPECT_LT(stream().at, 2u << 20);
  EXPECT_EQ(stream().sent, 0u);
  EXPECT_GT(host_.unsent, 0);
  EXPECT_LE(host_.unsent, 384 << 10);
  peer.set_reads(true);
  for (int i = 0; i < 100 && !stream().closed; ++i) peer.Receive();
  EXPECT_EQ(peer.BodyOf(1), body);
  EXPECT_TRUE(stream().whole);
  EXPECT_EQ(host_.unsent, 0);
}

TEST_F(ConnectionTest, WhatIsKeptForAPeerThatDoesNotReadIsGivenBackWithTheConnection) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4", 2) + BigEndian(0x7fffffff))));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(0x7fff0000))));
  ASSERT_TRUE(peer.Request(1, true));
  stream().body = std::string(5 << 20, 'x');
  peer.set_reads(false);
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  for (int i = 0; i < 10; ++i) host_.Turn();
  EXPECT_GT(host_.unsent, 0);
  host_.Disconnect();
  EXPECT_EQ(host_.unsent, 0);
}

TEST_F(ConnectionTest, ResetEndsTheStream) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, false));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  EXPECT_TRUE(stream().closed);
  EXPECT_FALSE(stream().whole);
  EXPECT_FALSE(peer.ended());
}

TEST_F(ConnectionTest, EndOfTheConnectionEndsItsStreams) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, false));
  peer_ = nullptr;
  host_.Turn();
  EXPECT_TRUE(host_.over);
  EXPECT_TRUE(stream().closed);
  EXPECT_FALSE(stream().whole);
}

TEST_F(ConnectionTest, RefusedRequestMayBeSentElsewhere) {
  host_.refuses = true;
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  peer.Receive();
  EXPECT_EQ(peer.reset(1), NGHTTP2_REFUSED_STREAM);
}

TEST_F(ConnectionTest, LeavesInTwoSteps) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  host_.connection()->Drain();
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 1u);
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0)[0].payload, BigEndian(0x7fffffff) + BigEndian(NGHTTP2_NO_ERROR));

  // What was on its way is served still.
  ASSERT_TRUE(peer.Request(3, true));
  ASSERT_EQ(host_.streams.size(), 2u);
  host_.Tick(absl::Seconds(1));
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 2u);
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0)[1].payload, BigEndian(3) + BigEndian(NGHTTP2_NO_ERROR));
  ASSERT_TRUE(peer.Request(5, true));
  EXPECT_EQ(host_.streams.size(), 2u);

  for (size_t i : {0, 1}) {
    EXPECT_FALSE(peer.ended());
    stream(i).connection->Answer(stream(i).number, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
    peer.Receive();
  }
  EXPECT_TRUE(peer.ended());
  EXPECT_THAT(host_.abuses, testing::IsEmpty());
}

TEST_F(ConnectionTest, LeavesAsSoonAsThePeerKnows) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  host_.connection()->Drain();
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_PING, 0).size(), 1u);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "another!")));
  peer.Receive();
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 1u);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, peer.Of(NGHTTP2_PING, 0)[0].payload)));
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 2u);
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0)[1].payload, BigEndian(1) + BigEndian(NGHTTP2_NO_ERROR));
}

TEST_F(ConnectionTest, PeerThatIsSlowToReadHearsOfTheLastRequestThatIsServed) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_SETTINGS, 0, 0, std::string("\0\4", 2) + BigEndian(0x7fffffff)) +
                        ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(0x7fff0000))));
  ASSERT_TRUE(peer.Request(1, true));
  peer.set_reads(false);
  stream().body = std::string(5 << 20, 'x');
  stream().finished = true;
  stream().connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  for (int i = 0; i < 10; ++i) host_.Turn();
  host_.connection()->Drain();
  host_.Tick(absl::Seconds(1));
  // All that is said of the end waits for the peer.
  ASSERT_TRUE(peer.Request(3, true));
  ASSERT_EQ(host_.streams.size(), 2u);
  peer.set_reads(true);
  for (int i = 0; i < 100 && !stream().closed; ++i) peer.Receive();
  EXPECT_TRUE(stream().whole);
  ASSERT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 2u);
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0)[1].payload, BigEndian(3) + BigEndian(NGHTTP2_NO_ERROR));
  ASSERT_FALSE(stream(1).closed);
  stream(1).connection->Answer(3, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  peer.Receive();
  EXPECT_TRUE(stream(1).whole);
  EXPECT_TRUE(peer.ended());
}

TEST_F(ConnectionTest, WhoIsToLeaveCanReadTheLastWordsWhateverItHasSentMeanwhile) {
  RawPeer& peer = Greeted();
  peer.set_reads(false);
  host_.connection()->Drain();
  host_.Tick(absl::Seconds(1));
  host_.Turn();
  // The server has closed its side; this is for nobody.
  ASSERT_TRUE(peer.Request(1, false));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_DATA, 0, 1, std::string(16'000, 'x'))));
  EXPECT_TRUE(host_.streams.empty());
  EXPECT_FALSE(host_.over);
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.over);
  peer.set_reads(true);
  peer.Receive();
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 2u);
  EXPECT_TRUE(peer.ended());
  EXPECT_FALSE(peer.cut_off());
}

TEST_F(ConnectionTest, WhoClosesItsSideTooNeedNotWait) {
  RawPeer& peer = Greeted();
  host_.connection()->Drain();
  peer.Receive();
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, peer.Of(NGHTTP2_PING, 0)[0].payload)));
  peer.Receive();
  EXPECT_TRUE(peer.ended());
  EXPECT_FALSE(host_.over);
  peer_ = nullptr;
  host_.Turn();
  EXPECT_TRUE(host_.over);
}

TEST_F(ConnectionTest, EndAtOnceLeavesWhatIsWithTheSystem) {
  RawPeer& peer = Greeted();
  peer.set_reads(false);
  ASSERT_TRUE(peer.Request(1, true));
  stream().connection->Answer(1, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  host_.Turn();
  // Comes when nobody looks for it any more.
  host_.set_turns(false);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, 0, 0, "12345678")));
  host_.set_turns(true);
  host_.connection()->End();
  host_.Disconnect();
  peer.set_reads(true);
  peer.Receive();
  EXPECT_THAT(peer.HeadersOf(1), Contains(Pair("grpc-status", "0")));
  EXPECT_TRUE(peer.ended());
  EXPECT_FALSE(peer.cut_off());
}

TEST_F(ConnectionTest, SilentPeerIsPingedAndThenGivenUp) {
  RawPeer& peer = Greeted();
  host_.Tick(absl::Seconds(29));
  peer.Receive();
  EXPECT_TRUE(peer.Of(NGHTTP2_PING, 0).empty());
  host_.Tick(absl::Seconds(1));
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_PING, 0).size(), 1u);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, peer.Of(NGHTTP2_PING, 0)[0].payload)));
  host_.Tick(absl::Seconds(29));
  EXPECT_FALSE(host_.over);
  host_.Tick(absl::Seconds(1));
  host_.Tick(absl::Seconds(9));
  EXPECT_FALSE(host_.over);
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.over);
}

TEST_F(ConnectionTest, IsSpareWhenItHasBeenWithoutARequestForLong) {
  RawPeer& peer = Greeted();
  host_.Tick(absl::Seconds(9));
  EXPECT_FALSE(host_.connection()->IsSpare());
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.connection()->IsSpare());

  ASSERT_TRUE(peer.Request(1, true));
  host_.Tick(absl::Hours(1));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, 0, 0, "12345678")));
  EXPECT_FALSE(host_.connection()->IsSpare());
  stream().connection->Answer(1, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  peer.Receive();
  // Longer, since there was one.
  host_.Tick(absl::Seconds(59));
  EXPECT_FALSE(host_.connection()->IsSpare());
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.connection()->IsSpare());
  host_.connection()->Drain();
  EXPECT_FALSE(host_.connection()->IsSpare());  // goes anyhow
}

TEST_F(ConnectionTest, WhoIsDismissedIsToldAtOnceAndLosesNothing) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  stream().connection->Answer(1, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  peer.Receive();
  host_.connection()->Dismiss();
  // On its way when the peer does not know yet.
  ASSERT_TRUE(peer.Request(3, true));
  ASSERT_EQ(host_.streams.size(), 2u);
  peer.Receive();
  ASSERT_EQ(peer.Of(NGHTTP2_GOAWAY, 0).size(), 1u);
  EXPECT_EQ(peer.Of(NGHTTP2_GOAWAY, 0)[0].payload, BigEndian(3) + BigEndian(NGHTTP2_NO_ERROR));
  stream(1).connection->Answer(3, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  peer.Receive();
  EXPECT_TRUE(peer.ended());
  EXPECT_FALSE(peer.cut_off());
  EXPECT_THAT(host_.abuses, testing::IsEmpty());
}

TEST_F(ConnectionTest, GreetsUntilTheFirstSettingsHaveCome) {
  RawPeer& peer = Peer();
  ASSERT_TRUE(peer.Send(kPreface));
  EXPECT_EQ(host_.greeting().size(), 1u);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_SETTINGS, 0, 0)));
  EXPECT_EQ(host_.greeting().size(), 0u);
}

TEST_F(ConnectionTest, WhoMayNotGreetAnyLongerIsToldWhy) {
  RawPeer& peer = Peer();
  ASSERT_TRUE(peer.Send(kPreface));
  host_.connection()->EndGreeting();
  EXPECT_TRUE(host_.over);
  EXPECT_EQ(host_.greeting().size(), 0u);
  peer.Receive();
  EXPECT_EQ(peer.goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(peer.ended());
  EXPECT_THAT(host_.abuses,
              testing::ElementsAre("too many connections have not sent the preface and the first settings"));
}

TEST_F(ConnectionTest, IdleConnectionIsAskedToLeave) {
  host_.limits.idle = absl::Seconds(20);
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, true));
  host_.Tick(absl::Seconds(25));
  EXPECT_EQ(peer.goaway(), -1);
  stream().connection->Answer(1, {{":status", "200"}, {"grpc-status", "0"}}, /*body=*/false);
  peer.Receive();
  host_.Tick(absl::Seconds(19));
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_PING, 0, 0, "12345678")));
  EXPECT_EQ(peer.goaway(), -1);
  host_.Tick(absl::Seconds(1));
  host_.Tick(absl::Seconds(1));
  peer.Receive();
  EXPECT_EQ(peer.goaway(), NGHTTP2_NO_ERROR);
  EXPECT_TRUE(peer.ended());
}

TEST_F(ConnectionTest, BeginsSomeRequestsInATurnAndTheOthersInTheNext) {
  constexpr size_t kRequests = 1'000;
  std::string requests;
  for (size_t i = 0; i < kRequests; ++i) requests += HeaderFrames(static_cast<int32_t>(2 * i + 1), true, GrpcRequest());
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Send(requests));
  EXPECT_GT(host_.streams.size(), 0u);
  EXPECT_LT(host_.streams.size(), 300u);
  peer.Receive();
  EXPECT_EQ(host_.streams.size(), kRequests);
}

TEST_F(ConnectionTest, MayHaveMoreToReadAtOnceBehindMuch) {
  RawPeer& peer = Greeted();
  ASSERT_TRUE(peer.Request(1, false));
  EXPECT_EQ(host_.may_read_more, 0);
  ASSERT_TRUE(peer.Send(ToBytes(NGHTTP2_DATA, 0, 1, std::string(10'000, 'x'))));
  EXPECT_EQ(host_.may_read_more, 1);
}

}  // namespace
}  // namespace nmq::http2
