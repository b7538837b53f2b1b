// What a peer may not do, each sent at full speed to one connection: how it ends, with which error, and that the memory
// which the server holds for it stays small.
#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/connection.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/test_host.h"

namespace nmq::http2 {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr size_t kHeldMax = 4 << 20;
// Frames of a flood, sent many at a time.
constexpr int kFlood = 100'000;
constexpr size_t kAtOnceBytes = 16 << 10;

size_t Held() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

class AbuseTest : public testing::Test {
 protected:
  AbuseTest() {
    peer_ = std::make_unique<RawPeer>(host_.Connect(), [this] { host_.Turn(); });
  }

  // Sends what `make` gives until the server does not take it any more; true if it came to that.
  template <typename Make>
  bool Flood(Make make) {
    EXPECT_TRUE(peer_->Greet());
    const size_t before = Held();
    for (int i = 0; i < kFlood;) {
      std::string bytes;
      while (bytes.size() < kAtOnceBytes) bytes += make(i++);
      const bool taken = peer_->Send(bytes);
      held_ = std::max(held_, Held() - std::min(Held(), before));
      if (!taken) return true;
    }
    return false;
  }
  template <typename Why>
  void ExpectCalmed(const Why& why) {
    peer_->Receive();
    EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_TRUE(peer_->ended());
    EXPECT_THAT(host_.abuses, ElementsAre(why));
    EXPECT_LT(held_, kHeldMax);
    host_.Tick(absl::Seconds(1));
    EXPECT_TRUE(host_.over);
  }
  static std::string Headers(int32_t stream, uint8_t flags, const Fields& fields = GrpcRequest()) {
    return ToBytes(NGHTTP2_HEADERS, flags, stream, HeaderBlock(fields));
  }

  TestHost host_;
  std::unique_ptr<RawPeer> peer_;
  size_t held_ = 0;
};

constexpr char kTooManyControls[] = "too many frames that carry no request";
constexpr char kTooManyAnswers[] = "more answers to pings and settings wait than the peer takes";
constexpr char kTooManyResets[] = "too many requests that are reset";
constexpr char kHeadersTooLarge[] = "the headers of a request are too large";

TEST_F(AbuseTest, Settings) {
  EXPECT_TRUE(Flood([](int) { return ToBytes(NGHTTP2_SETTINGS, 0, 0); }));
  ExpectCalmed(testing::AnyOf(kTooManyControls, kTooManyAnswers));
}

TEST_F(AbuseTest, Pings) {
  EXPECT_TRUE(Flood([](int) { return ToBytes(NGHTTP2_PING, 0, 0, "12345678"); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, Priorities) {
  EXPECT_TRUE(Flood([](int i) { return ToBytes(NGHTTP2_PRIORITY, 0, 2 * i + 1, std::string("\0\0\0\0\1", 5)); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, WindowUpdates) {
  EXPECT_TRUE(Flood([](int) { return ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(1)); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, UnknownFrames) {
  EXPECT_TRUE(Flood([](int) { return ToBytes(0xee, 0, 0, "x"); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, EmptyData) {
  ASSERT_TRUE(peer_->Greet());
  ASSERT_TRUE(peer_->Request(1, false));
  EXPECT_TRUE(Flood([](int) { return ToBytes(NGHTTP2_DATA, 0, 1); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, DataThatIsPaddingAlone) {
  ASSERT_TRUE(peer_->Greet());
  ASSERT_TRUE(peer_->Request(1, false));
  const std::string padding = std::string(1, '\xff') + std::string(255, '\0');
  EXPECT_TRUE(Flood([&](int) { return ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, padding); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, DataAfterTheAnswer) {
  ASSERT_TRUE(peer_->Greet());
  ASSERT_TRUE(peer_->Request(1, false));
  host_.streams[0]->connection->Answer(1, {{":status", "200"}}, /*body=*/false);
  host_.Turn();
  const std::string late(1'000, 'x');
  EXPECT_TRUE(Flood([&](int) { return ToBytes(NGHTTP2_DATA, 0, 1, late); }));
  ExpectCalmed(kTooManyControls);
}

TEST_F(AbuseTest, EmptyContinuations) {
  EXPECT_TRUE(Flood([](int i) { return i == 0 ? Headers(1, 0) : ToBytes(NGHTTP2_CONTINUATION, 0, 1); }));
  ExpectCalmed("the headers of a request come in too many frames");
}

TEST_F(AbuseTest, ContinuationsWithoutEnd) {
  const std::string block = HeaderBlock({{"x-name", std::string(16'000, 'v')}});
  EXPECT_TRUE(Flood([&](int i) { return i == 0 ? Headers(1, 0) : ToBytes(NGHTTP2_CONTINUATION, 0, 1, block); }));
  ExpectCalmed(kHeadersTooLarge);
}

TEST_F(AbuseTest, HeadersThatNeverEnd) {
  ASSERT_TRUE(peer_->Greet());
  ASSERT_TRUE(peer_->Send(Headers(1, 0)));
  host_.Tick(absl::Seconds(9));
  EXPECT_THAT(host_.abuses, IsEmpty());
  host_.Tick(absl::Seconds(1));
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(AbuseTest, HeadersThatAreALittleTooLargeAreRefusedAlone) {
  ASSERT_TRUE(peer_->Greet());
  Fields fields = GrpcRequest();
  fields.emplace_back("x-large", std::string(60 << 10, 'v'));
  ASSERT_TRUE(peer_->Request(1, false, fields));
  EXPECT_EQ(host_.streams.size(), 1u);
  fields.emplace_back("x-more", std::string(4 << 10, 'v'));
  ASSERT_TRUE(peer_->Request(3, false, fields));
  peer_->Receive();
  EXPECT_EQ(host_.streams.size(), 1u);
  EXPECT_THAT(peer_->HeadersOf(3), Contains(Pair(":status", "431")));
  EXPECT_THAT(peer_->HeadersOf(3), Contains(Pair("grpc-status", "8")));
  EXPECT_EQ(peer_->goaway(), -1);
  EXPECT_FALSE(host_.streams[0]->closed);
}

// 64 KiB of indexes that each stand for 4 KB.
TEST_F(AbuseTest, HeadersThatAreSmallOnTheWireAndLargeInside) {
  std::string block = HeaderBlock(GrpcRequest());
  block += HeaderBlock({{"x-name", std::string(3'900, 'v')}});
  block[block.size() - 3'900 - 11] = 0x40;  // to be remembered
  ASSERT_EQ(block.substr(block.size() - 3'900 - 10, 8), std::string("\6x-name\x7f"));
  block += std::string(60'000, static_cast<char>(0x80 | 62));
  ASSERT_TRUE(peer_->Greet());
  const size_t before = Held();
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block)));
  EXPECT_LT(Held() - std::min(Held(), before), kHeldMax);
  peer_->Receive();
  EXPECT_TRUE(host_.streams.empty());
  EXPECT_THAT(peer_->HeadersOf(1), Contains(Pair(":status", "431")));
}

TEST_F(AbuseTest, RapidResets) {
  EXPECT_TRUE(Flood([](int i) {
    return Headers(2 * i + 1, NGHTTP2_FLAG_END_HEADERS) +
           ToBytes(NGHTTP2_RST_STREAM, 0, 2 * i + 1, BigEndian(NGHTTP2_CANCEL));
  }));
  ExpectCalmed(kTooManyResets);
  EXPECT_LE(host_.streams.size(), 2'001u);
}

// Each is an error that makes the server reset the stream.
TEST_F(AbuseTest, RequestsThatMakeTheServerReset) {
  EXPECT_TRUE(Flood([](int i) {
    return Headers(2 * i + 1, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, {{":method", "POST"}});
  }));
  ExpectCalmed(kTooManyResets);
}

TEST_F(AbuseTest, MoreStreamsThanAllowed) {
  EXPECT_TRUE(Flood([](int i) { return Headers(2 * i + 1, NGHTTP2_FLAG_END_HEADERS); }));
  peer_->Receive();
  EXPECT_LE(host_.streams.size(), host_.limits.streams);
  EXPECT_THAT(peer_->goaway(), testing::AnyOf(NGHTTP2_PROTOCOL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_LT(held_, kHeldMax);
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.over);
}

TEST_F(AbuseTest, PeerThatDoesNotReadWhatItAsksFor) {
  ASSERT_TRUE(peer_->Greet());
  peer_->Receive();
  host_.limits.control_burst = kFlood;
  peer_->set_reads(false);
  const bool ended = Flood([](int) { return ToBytes(NGHTTP2_PING, 0, 0, "12345678"); });
  EXPECT_TRUE(ended);
  EXPECT_THAT(host_.abuses, testing::SizeIs(1));
  EXPECT_LT(held_, kHeldMax);
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.over);
}

TEST_F(AbuseTest, PeerThatDoesNotGreet) {
  ASSERT_TRUE(peer_->Send(absl::string_view(kPreface).substr(0, 10)));
  host_.Tick(absl::Seconds(9));
  EXPECT_THAT(host_.abuses, IsEmpty());
  host_.Tick(absl::Seconds(1));
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_SETTINGS_TIMEOUT);
  EXPECT_TRUE(peer_->ended());
}

TEST_F(AbuseTest, PeerThatSpeaksSomethingElse) {
  peer_->Send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(peer_->ended());
}

TEST_F(AbuseTest, PeerThatBreaksARule) {
  ASSERT_TRUE(peer_->Greet());
  peer_->Send(ToBytes(NGHTTP2_DATA, 0, 0, "of no stream"));
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_PROTOCOL_ERROR);
  EXPECT_THAT(host_.abuses, ElementsAre("the peer breaks a rule of HTTP/2"));
  EXPECT_TRUE(peer_->ended());
}

// What busy clients do.

TEST_F(AbuseTest, BusyClientMayCancelFiveHundredCallsASecond) {
  ASSERT_TRUE(peer_->Greet());
  int32_t stream = 1;
  for (int second = 0; second < 60; ++second) {
    for (int i = 0; i < 500; ++i, stream += 2) {
      ASSERT_TRUE(peer_->Send(Headers(stream, NGHTTP2_FLAG_END_HEADERS) +
                              ToBytes(NGHTTP2_RST_STREAM, 0, stream, BigEndian(NGHTTP2_CANCEL))));
    }
    host_.streams.clear();
    host_.Tick(absl::Seconds(1));
  }
  EXPECT_THAT(host_.abuses, IsEmpty());
}

TEST_F(AbuseTest, ReaderMayOpenItsWindowsAndPingForEachFrameOfData) {
  ASSERT_TRUE(peer_->Greet());
  ASSERT_TRUE(peer_->Request(1, true));
  TestStream& stream = *host_.streams[0];
  stream.connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  for (int i = 0; i < 20'000; ++i) {
    stream.body = "x";
    stream.at = 0;
    stream.connection->Resume(1);
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(1)) +
                            ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian(1)) +
                            ToBytes(NGHTTP2_PING, 0, 0, "12345678")));
  }
  EXPECT_THAT(host_.abuses, IsEmpty());
}

TEST_F(AbuseTest, PublisherMayPadItsDataAndSendSomeAfterEachAnswer) {
  ASSERT_TRUE(peer_->Greet());
  const std::string padded = std::string("\4data", 5) + std::string(4, '\0');
  for (int32_t stream = 1; stream < 2 * 20'000; stream += 2) {
    ASSERT_TRUE(peer_->Request(stream, false));
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, stream, padded)));
    host_.streams.back()->connection->Answer(stream, {{":status", "200"}}, /*body=*/false);
    host_.Turn();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, stream, std::string(4'000, 'x'))));
    host_.streams.clear();
  }
  EXPECT_THAT(host_.abuses, IsEmpty());
}

}  // namespace
}  // namespace nmq::http2
