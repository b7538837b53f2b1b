#include "server/http2/framing.h"

#include <nghttp2/nghttp2.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {
namespace {

// A server's session whose frames go into a log.
class FramingTest : public testing::Test {
 protected:
  FramingTest() : framing_(NewSession(), Limits()) {
    EXPECT_TRUE(framing_.wants_send());
    EXPECT_TRUE(framing_.Send());
    const std::string greeting = kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0);
    EXPECT_EQ(framing_.Receive(greeting), static_cast<ssize_t>(greeting.size()));
  }

  static ConnectionLimits Limits() {
    ConnectionLimits limits;
    limits.streams = 7;
    return limits;
  }
  nghttp2_session* NewSession() {
    nghttp2_session_callbacks* callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_send_callback(
        callbacks, [](nghttp2_session*, const uint8_t* bytes, size_t size, int, void* log) -> ssize_t {
          static_cast<FrameLog*>(log)->Add({reinterpret_cast<const char*>(bytes), size});
          return static_cast<ssize_t>(size);
        });
    nghttp2_session* session;
    nghttp2_session_server_new(&session, callbacks, &log_);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
  // The first four bytes of each GOAWAY.
  std::vector<uint32_t> LastRequests() const {
    std::vector<uint32_t> last;
    for (const RawFrame& frame : log_.Of(NGHTTP2_GOAWAY, 0)) last.push_back(NumberOf(frame.payload));
    return last;
  }
  void Request(int32_t stream, bool end) {
    const std::string bytes = HeaderFrames(stream, end, GrpcRequest());
    ASSERT_EQ(framing_.Receive(bytes), static_cast<ssize_t>(bytes.size()));
  }

  FrameLog log_;
  Framing framing_;
};

TEST_F(FramingTest, SaysFirstWhatTheLimitsAllow) {
  ASSERT_FALSE(log_.frames().empty());
  EXPECT_EQ(log_.frames().front().type, NGHTTP2_SETTINGS);
  EXPECT_NE(log_.frames().front().payload.find(std::string("\0\3", 2) + BigEndian(7)), std::string::npos);
}

TEST_F(FramingTest, NoticeRefusesNothingAndTheLastIsTheOneThatCame) {
  framing_.Notice();
  ASSERT_TRUE(framing_.Send());
  Request(5, true);
  framing_.TellLast();
  ASSERT_TRUE(framing_.Send());
  EXPECT_EQ(LastRequests(), (std::vector<uint32_t>{0x7fffffff, 5}));
}

TEST_F(FramingTest, PingOfTheNoticeIsKnownAgain) {
  framing_.Notice();
  ASSERT_TRUE(framing_.Send());
  const std::vector<RawFrame> pings = log_.Of(NGHTTP2_PING, 0);
  ASSERT_EQ(pings.size(), 1u);
  nghttp2_ping ping = {};
  EXPECT_FALSE(Framing::IsNoticed(ping));
  pings.front().payload.copy(reinterpret_cast<char*>(ping.opaque_data), sizeof(ping.opaque_data));
  EXPECT_TRUE(Framing::IsNoticed(ping));
}

TEST_F(FramingTest, AnswerWithoutABodyEndsTheStream) {
  Request(1, false);
  EXPECT_FALSE(framing_.IsWhole(1));
  framing_.Answer(1, {{":status", "200"}, {"grpc-status", "5"}}, /*body=*/false);
  ASSERT_TRUE(framing_.Send());
  const std::vector<RawFrame> headers = log_.Of(NGHTTP2_HEADERS, 1);
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_NE(headers.front().flags & NGHTTP2_FLAG_END_STREAM, 0);
}

TEST_F(FramingTest, NothingIsWantedAfterTheEnd) {
  framing_.Terminate(NGHTTP2_ENHANCE_YOUR_CALM);
  ASSERT_TRUE(framing_.Send());
  EXPECT_EQ(log_.goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_FALSE(framing_.wants_receive());
  EXPECT_FALSE(framing_.wants_send());
}

}  // namespace
}  // namespace nmq::http2
