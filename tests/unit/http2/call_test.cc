#include "server/http2/call.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http2/call_fixture.h"

namespace nmq::http2 {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_F(CallTest, MessagesComeOneByOneAsTheyAreAskedFor) {
  NotingHandler& handler = Begin();
  Say(Prefixed("one") + Prefixed("two"));
  EXPECT_THAT(handler.messages, IsEmpty());
  handler.Read();
  EXPECT_THAT(handler.messages, IsEmpty());
  peer_->Receive();
  EXPECT_THAT(handler.messages, ElementsAre("one"));
  handler.reads_on = true;
  handler.Read();
  Say(Prefixed("three").substr(0, 7));
  EXPECT_THAT(handler.messages, ElementsAre("one", "two"));
  Say(Prefixed("three").substr(7) + Prefixed("four"), /*end=*/true);
  EXPECT_THAT(handler.messages, ElementsAre("one", "two", "three", "four"));
  EXPECT_TRUE(handler.no_more);
  EXPECT_FALSE(handler.cancelled);
}

TEST_F(CallTest, OthersOfItsConnectionWriteWithItsPulse) {
  for (const int32_t stream : {1, 3, 5}) ASSERT_TRUE(peer_->Request(stream, true));
  host_.handlers.at(1)->Write(10);
  host_.handlers.at(1)->Do([&] { host_.handlers.at(1)->exchange->Pulse(); });
  for (const auto& handler : host_.handlers) EXPECT_THAT(handler->written, IsEmpty());
  host_.Turn();
  for (const auto& handler : host_.handlers) EXPECT_THAT(handler->written, ElementsAre(true));
}

TEST_F(CallTest, AnswersWithMessagesAndAStatus) {
  NotingHandler& handler = Begin();
  Say("", /*end=*/true);
  handler.Write(10);
  peer_->Receive();
  EXPECT_THAT(handler.written, ElementsAre(true));
  handler.Write(100'000);
  peer_->Receive();
  // The peer's window is smaller.
  EXPECT_THAT(handler.written, ElementsAre(true));
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 0, BigEndian(100'000)) +
                          ToBytes(NGHTTP2_WINDOW_UPDATE, 0, 1, BigEndian(100'000))));
  peer_->Receive();
  EXPECT_THAT(handler.written, ElementsAre(true, true));
  handler.Finish(NotFound("NO_SUCH", "not there: 100%"));
  const auto answered = Answered();
  EXPECT_EQ(answered.at(":status"), "200");
  EXPECT_EQ(answered.at("content-type"), "application/grpc");
  EXPECT_EQ(answered.at("grpc-accept-encoding"), "identity,deflate,gzip");
  EXPECT_EQ(answered.at("grpc-status"), "5");
  EXPECT_EQ(answered.at("grpc-message"), "not there: 100%25");
  EXPECT_TRUE(handler.done);
  EXPECT_FALSE(handler.cancelled);
  EXPECT_EQ(host_.calls, 0);
}

TEST_F(CallTest, OneAnswerGoesOutWithItsStatus) {
  NotingHandler& handler = Begin();
  v1::PublishResponse response;
  response.set_id("id");
  handler.Do([&] { handler.exchange->FinishWith(Frame(response)); });
  EXPECT_EQ(Answered().at("grpc-status"), "0");
  EXPECT_EQ(peer_->BodyOf(1), Prefixed(response.SerializeAsString()));
  EXPECT_THAT(handler.written, IsEmpty());
  EXPECT_TRUE(handler.done);
  // The client had not ended its request.
  EXPECT_EQ(peer_->reset(1), NGHTTP2_NO_ERROR);
}

TEST_F(CallTest, StatusAloneIsOneBlockOfHeaders) {
  NotingHandler& handler = Begin();
  handler.Read();
  handler.Finish(absl::OkStatus());
  EXPECT_EQ(Answered().at("grpc-status"), "0");
  EXPECT_EQ(peer_->Of(NGHTTP2_HEADERS, 1).size(), 1u);
  EXPECT_TRUE(handler.no_more);
  EXPECT_TRUE(handler.done);
}

TEST_F(CallTest, UnknownMethodIsUnimplemented) {
  ASSERT_TRUE(peer_->Request(1, true, GrpcRequest("/no/Such")));
  EXPECT_EQ(Answered().at("grpc-status"), "12");
}

TEST_F(CallTest, WhatIsNotGrpcIsRefused) {
  Fields fields = GrpcRequest();
  fields.back().second = "application/json";
  ASSERT_TRUE(peer_->Request(1, false, fields));
  EXPECT_EQ(Answered().at(":status"), "415");
  fields = GrpcRequest();
  fields.front().second = "GET";
  ASSERT_TRUE(peer_->Request(3, true, fields));
  peer_->Receive();
  EXPECT_THAT(peer_->HeadersOf(3), Contains(Pair(":status", "405")));
  EXPECT_THAT(host_.handlers, IsEmpty());
}

TEST_F(CallTest, UnknownEncodingIsRefusedWithThoseThatAreKnown) {
  Fields fields = GrpcRequest();
  fields.emplace_back("grpc-encoding", "br");
  ASSERT_TRUE(peer_->Request(1, false, fields));
  EXPECT_EQ(Answered().at("grpc-status"), "12");
  EXPECT_EQ(Answered().at("grpc-accept-encoding"), "identity,deflate,gzip");
}

TEST_F(CallTest, MessageThatIsTooLongEndsTheCall) {
  NotingHandler& handler = Begin();
  handler.Read();
  Say(std::string("\0\0\x10\0\1", 5));
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "8");
}

TEST_F(CallTest, RequestThatEndsWithinAMessageIsAnError) {
  NotingHandler& handler = Begin();
  handler.Read();
  Say(Prefixed("hello").substr(0, 8), /*end=*/true);
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "13");
}

TEST_F(CallTest, HandlerLearnsThatTheCallerHasCancelled) {
  NotingHandler& handler = Begin();
  handler.Read();
  handler.Write(100'000);
  peer_->Receive();
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  peer_->Receive();
  EXPECT_TRUE(handler.cancelled);
  EXPECT_TRUE(handler.no_more);
  EXPECT_THAT(handler.written, ElementsAre(false));
  EXPECT_FALSE(handler.done);
  handler.Write(10);
  peer_->Receive();
  EXPECT_THAT(handler.written, ElementsAre(false, false));
  handler.Finish(absl::OkStatus());
  peer_->Receive();
  EXPECT_TRUE(handler.done);
}

TEST_F(CallTest, CancelEndsTheWrite) {
  NotingHandler& handler = Begin();
  handler.Write(100'000);
  peer_->Receive();
  handler.Do([&] { handler.exchange->Cancel(); });
  peer_->Receive();
  EXPECT_THAT(handler.written, ElementsAre(false));
  EXPECT_EQ(peer_->reset(1), NGHTTP2_CANCEL);
  handler.Finish(absl::CancelledError("slow"));
  peer_->Receive();
  EXPECT_TRUE(handler.done);
}

TEST_F(CallTest, MetadataIsAsItWasSentAndBinaryDecoded) {
  NotingHandler& handler = Begin({{"x-one", "1"}, {"x-one", "2"}, {"x-bytes-bin", "AAEC"}, {"x-bad-bin", "%"}});
  EXPECT_EQ(handler.exchange->Metadata("x-one"), "1");
  EXPECT_EQ(handler.exchange->Metadata("x-bytes-bin"), absl::string_view("\0\1\2", 3));
  EXPECT_EQ(handler.exchange->Metadata("x-bad-bin"), std::nullopt);
  EXPECT_EQ(handler.exchange->Metadata("x-none"), std::nullopt);
}

}  // namespace
}  // namespace nmq::http2
