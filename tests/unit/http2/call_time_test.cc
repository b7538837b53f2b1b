#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/call.h"
#include "tests/unit/http2/call_fixture.h"

namespace nmq::http2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(CallTest, MessageThatDoesNotGoOnEndsTheCall) {
  NotingHandler& handler = Begin();
  handler.reads_on = true;
  handler.Read();
  Say(Prefixed("one") + Prefixed("two").substr(0, 6));
  Pass(kStall - absl::Seconds(1));
  // Each byte is a sign of life.
  Say("w");
  Pass(kStall - absl::Seconds(1));
  EXPECT_FALSE(handler.cancelled);
  EXPECT_THAT(host_.refused, IsEmpty());
  Pass(absl::Seconds(1));
  EXPECT_TRUE(handler.cancelled);
  EXPECT_TRUE(handler.no_more);
  EXPECT_THAT(host_.refused, ElementsAre("REQUEST_STALLED"));
  const auto answered = Answered();
  EXPECT_EQ(answered.at("grpc-status"), "8");
  EXPECT_THAT(answered.at("grpc-message"), testing::HasSubstr("nothing of it has come for 30s; send each message"));
  EXPECT_EQ(peer_->reset(1), NGHTTP2_NO_ERROR);
  EXPECT_EQ(host_.held, 0);
  EXPECT_EQ(peer_->goaway(), -1);
}

TEST_F(CallTest, PrefixThatDoesNotGoOnEndsTheCall) {
  NotingHandler& handler = Begin();
  handler.Read();
  Say(std::string(2, 0));
  Pass(kStall);
  EXPECT_TRUE(handler.cancelled);
}

TEST_F(CallTest, OnlyMessageHasToCome) {
  NotingHandler& handler = Begin();
  handler.ReadRequest();
  peer_->Receive();
  Pass(kStall - absl::Seconds(1));
  EXPECT_FALSE(handler.cancelled);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(handler.cancelled);
  EXPECT_EQ(Answered().at("grpc-status"), "8");
}

TEST_F(CallTest, MayBeSilentBetweenMessagesAndAfterTheOnlyOne) {
  NotingHandler& handler = Begin();
  handler.Read();
  peer_->Receive();
  Pass(absl::Hours(1));
  Say(Prefixed("one"));
  handler.Read();
  peer_->Receive();
  Pass(absl::Hours(1));
  Say(Prefixed("two"));
  handler.ReadRequest();
  Say(Prefixed("three"));
  Pass(absl::Hours(1));
  EXPECT_THAT(handler.messages, ElementsAre("one", "two", "three"));
  EXPECT_FALSE(handler.cancelled);
  EXPECT_THAT(host_.refused, IsEmpty());
}

TEST_F(CallTest, CallerIsNotBlamedWhenNobodyReads) {
  NotingHandler& handler = Begin();
  Say(Prefixed("one") + Prefixed("two").substr(0, 6));
  Pass(absl::Hours(1));
  EXPECT_FALSE(handler.cancelled);
  // From when somebody does.
  handler.reads_on = true;
  handler.Read();
  peer_->Receive();
  EXPECT_THAT(handler.messages, ElementsAre("one"));
  Pass(kStall - absl::Seconds(1));
  EXPECT_FALSE(handler.cancelled);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(handler.cancelled);
}

TEST_F(CallTest, CallerIsNotBlamedWhenThereIsNoRoom) {
  NotingHandler& handler = Begin();
  handler.has_room = false;
  handler.ReadRequest();
  Say(Prefixed("one").substr(0, 6));
  EXPECT_THAT(handler.sizes, ElementsAre(3u));
  Pass(absl::Hours(1));
  EXPECT_FALSE(handler.cancelled);
  handler.Read();
  peer_->Receive();
  Pass(kStall);
  EXPECT_TRUE(handler.cancelled);
}

TEST_F(CallTest, CallerThatStallsAndDoesNotReadEither) {
  NotingHandler& handler = Begin();
  handler.Read();
  Say(Prefixed("one").substr(0, 6));
  handler.Write(100'000);
  peer_->Receive();
  Pass(kStall);
  EXPECT_TRUE(handler.cancelled);
  peer_->Receive();
  EXPECT_EQ(peer_->reset(1), NGHTTP2_CANCEL);
}

TEST_F(CallTest, DeadlineEndsTheCall) {
  NotingHandler& handler = Begin({{"grpc-timeout", "200m"}});
  const nmq::Call call = handler.exchange->CallWith(Right::kPublish);
  ASSERT_TRUE(call.deadline);
  EXPECT_EQ(*call.deadline - host_.now(), absl::Milliseconds(200));
  EXPECT_EQ(call.peer, "test");
  host_.Tick(absl::Milliseconds(199));
  EXPECT_FALSE(handler.cancelled);
  host_.Tick(absl::Milliseconds(1));
  EXPECT_TRUE(handler.cancelled);
  EXPECT_EQ(Answered().at("grpc-status"), "4");
  handler.Finish(absl::OkStatus());
  peer_->Receive();
  EXPECT_TRUE(handler.done);
}

TEST_F(CallTest, DeadlineCountsFromWhenTheRequestIsReadWhateverTheTurnHadToDoBefore) {
  host_.turn_time = absl::Seconds(3);
  NotingHandler& handler = Begin({{"grpc-timeout", "200m"}});
  host_.Tick(absl::Milliseconds(3'199));
  EXPECT_FALSE(handler.cancelled);
  host_.Tick(absl::Milliseconds(1));
  EXPECT_TRUE(handler.cancelled);
  handler.Finish(absl::OkStatus());
}

TEST_F(CallTest, DeadlineOfACallerThatDoesNotReadResetsTheStream) {
  NotingHandler& handler = Begin({{"grpc-timeout", "1S"}});
  handler.Write(100'000);
  peer_->Receive();
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(handler.cancelled);
  EXPECT_THAT(handler.written, ElementsAre(false));
  handler.Finish(absl::CancelledError("gone"));
  // By now a caller that is there has noticed by itself.
  host_.Tick(absl::Milliseconds(249));
  peer_->Receive();
  EXPECT_EQ(peer_->reset(1), -1);
  host_.Tick(absl::Milliseconds(1));
  peer_->Receive();
  EXPECT_EQ(peer_->reset(1), NGHTTP2_CANCEL);
  EXPECT_TRUE(handler.done);
}

}  // namespace
}  // namespace nmq::http2
