#include "tests/bench/nmq/http2_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tests/testing/http2_frames.h"

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using http2::ToBytes;

std::string Message(const std::string& bytes) {
  return std::string(1, '\0') + http2::BigEndian(static_cast<uint32_t>(bytes.size())) + bytes;
}

std::string Data(int32_t stream, const std::string& bytes) { return ToBytes(NGHTTP2_DATA, 0, stream, bytes); }
std::string Settings() { return ToBytes(NGHTTP2_SETTINGS, 0, 0); }
std::string Response(int32_t stream) { return http2::HeaderFrames(stream, /*end=*/false, {{":status", "200"}}); }

struct Recorder final : Http2Handler {
  bool OnMessage(size_t call, absl::string_view message) override {
    messages.emplace_back(call, message);
    return message != "refused";
  }
  void OnEnd(size_t call, const absl::Status& status) override { ends.emplace_back(call, status); }

  std::vector<std::pair<size_t, std::string>> messages;
  std::vector<std::pair<size_t, absl::Status>> ends;
};

class Http2ReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    reader_.Call("/a.B/C", "first");
    reader_.Call("/a.B/C", "second");
    sent_ = reader_.TakeOutput();
    ASSERT_TRUE(reader_.Feed(Settings()).ok());
  }

  Recorder recorder_;
  Http2Reader reader_{&recorder_};
  std::string sent_;
};

TEST_F(Http2ReaderTest, SaysItsRequestsAtOnce) {
  EXPECT_THAT(sent_, HasSubstr(http2::kPreface));
  EXPECT_THAT(sent_, HasSubstr(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Message("first"))));
  EXPECT_THAT(sent_, HasSubstr(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3, Message("second"))));
}

TEST_F(Http2ReaderTest, FindsTheMessagesOfEachCallHoweverTheyAreCut) {
  const std::string two = Message("one") + Message("two");
  const std::string said =
      Response(3) + Data(3, two.substr(0, 7)) + Response(1) + Data(1, Message("")) + Data(3, two.substr(7));
  for (const size_t size : {size_t{1}, size_t{5}, said.size()}) {
    Recorder recorder;
    Http2Reader reader(&recorder);
    reader.Call("/a.B/C", "");
    reader.Call("/a.B/C", "");
    reader.TakeOutput();
    ASSERT_TRUE(reader.Feed(Settings()).ok());
    for (size_t at = 0; at < said.size(); at += size) ASSERT_TRUE(reader.Feed(said.substr(at, size)).ok());
    EXPECT_THAT(recorder.messages, ElementsAre(Pair(0, ""), Pair(1, "one"), Pair(1, "two"))) << size;
    EXPECT_THAT(recorder.ends, IsEmpty());
  }
}

TEST_F(Http2ReaderTest, AnswersPings) {
  ASSERT_TRUE(reader_.Feed(ToBytes(NGHTTP2_PING, 0, 0, "12345678")).ok());
  EXPECT_THAT(reader_.TakeOutput(), HasSubstr(ToBytes(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678")));
  EXPECT_THAT(reader_.TakeOutput(), IsEmpty());
}

TEST_F(Http2ReaderTest, EndOfACallHasTheServersStatus) {
  ASSERT_TRUE(
      reader_.Feed(Response(1) + http2::HeaderFrames(1, /*end=*/true, {{"grpc-status", "5"}, {"grpc-message", "gone"}}))
          .ok());
  EXPECT_THAT(recorder_.ends, ElementsAre(Pair(0, absl::NotFoundError("gone"))));
}

TEST_F(Http2ReaderTest, ResetIsUnavailable) {
  ASSERT_TRUE(reader_.Feed(Response(3) + ToBytes(NGHTTP2_RST_STREAM, 0, 3, http2::BigEndian(NGHTTP2_CANCEL))).ok());
  ASSERT_EQ(recorder_.ends.size(), 1u);
  EXPECT_EQ(recorder_.ends[0].first, 1u);
  EXPECT_EQ(recorder_.ends[0].second.code(), absl::StatusCode::kUnavailable);
}

TEST_F(Http2ReaderTest, WhatIsNoMessageIsDataLoss) {
  const std::string compressed = "\x01" + Message("x").substr(1);
  const std::string too_long("\0\xff\xff\xff\xff", 5);
  for (const std::string& bytes : {compressed, too_long, Message("refused")}) {
    Recorder recorder;
    Http2Reader reader(&recorder);
    reader.Call("/a.B/C", "");
    reader.TakeOutput();
    const absl::Status status = reader.Feed(Settings() + Response(1) + Data(1, bytes));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  }
}

TEST_F(Http2ReaderTest, WhatIsNotHttp2IsDataLoss) {
  Recorder recorder;
  Http2Reader reader(&recorder);
  reader.TakeOutput();
  EXPECT_EQ(reader.Feed("HTTP/1.1 400 Bad Request\r\n\r\n").code(), absl::StatusCode::kDataLoss);
}

TEST_F(Http2ReaderTest, FrameThatBreaksTheRulesIsDataLoss) {
  // A ping of a stream.
  EXPECT_EQ(reader_.Feed(ToBytes(NGHTTP2_PING, 0, 1, "12345678")).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace nmq::bench
