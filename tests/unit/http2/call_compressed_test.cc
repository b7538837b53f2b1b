#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/byte_share.h"
#include "server/http2/call.h"
#include "tests/unit/http2/call_fixture.h"
#include "tests/unit/http2/compressed.h"

namespace nmq::http2 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(CallTest, CompressedMessageIsTakenUpToTheLimit) {
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.reads_on = true;
  handler.Read();
  Say(Prefixed(Compressed("hello", Format::kGzip), 1) + Prefixed("plain"));
  EXPECT_THAT(handler.messages, ElementsAre("hello", "plain"));
  Say(Prefixed(Compressed(std::string((1 << 20) + 1, 'x'), Format::kGzip), 1));
  EXPECT_EQ(handler.messages.size(), 2u);
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "8");
  handler.Finish(absl::OkStatus());
  peer_->Receive();
  EXPECT_TRUE(handler.done);
}

TEST_F(CallTest, RoomIsMadeForWhatACompressedMessageHoldsBeforeAnyOfItIsHeld) {
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.has_room = false;
  handler.Read();
  const std::string message = Compressed(std::string(100'000, 'x'), Format::kGzip);
  Say(Prefixed(message, 1));
  EXPECT_THAT(handler.sizes, ElementsAre(message.size()));
  EXPECT_EQ(host_.held, static_cast<int64_t>(message.size()));
  handler.Read();
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  EXPECT_THAT(handler.sizes, ElementsAre(message.size(), 100'000));
  EXPECT_THAT(handler.messages, IsEmpty());
  EXPECT_EQ(host_.held, static_cast<int64_t>(message.size()));
  handler.Read();
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  EXPECT_THAT(handler.messages, ElementsAre(std::string(100'000, 'x')));
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, CompressedMessageThatWaitsForRoomGoesWithItsCall) {
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.Read();
  handler.has_room = false;
  Say(Prefixed(Compressed(std::string(100'000, 'x'), Format::kGzip), 1));
  handler.Read();
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  EXPECT_GT(host_.held, 0);
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  peer_->Receive();
  EXPECT_EQ(host_.held, 0);
  EXPECT_TRUE(handler.cancelled);
}

TEST_F(CallTest, LargeCompressedMessagesThatEndAllAtOnceAreTakenOneByOneInSeveralTurns) {
  constexpr size_t kCalls = 20;
  const std::string message = Prefixed(Compressed(std::string(900'000, 'x'), Format::kGzip), 1);
  Fields fields = GrpcRequest();
  fields.push_back({"grpc-encoding", "gzip"});
  std::string ends;
  for (size_t i = 0; i < kCalls; ++i) {
    const auto stream = static_cast<int32_t>(2 * i + 1);
    ASSERT_TRUE(peer_->Request(stream, false, fields));
    host_.handlers.at(i)->Read();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, stream, message.substr(0, message.size() - 1))));
    ends += ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, message.substr(message.size() - 1));
  }
  peer_->Receive();
  const auto taken = [&] {
    size_t count = 0;
    for (const auto& handler : host_.handlers) count += handler->messages.size();
    return count;
  };
  host_.set_turns(false);
  ASSERT_TRUE(peer_->Send(ends));
  host_.set_turns(true);
  // Besides, they are measured.
  for (size_t turn = 0; turn < 4 * kCalls; ++turn) {
    const size_t before = taken();
    host_.Turn();
    EXPECT_LE(taken(), before + 1);
    EXPECT_LE(taken(), turn / 3);
  }
  EXPECT_EQ(taken(), kCalls);
  for (const auto& handler : host_.handlers) handler->Read();
  host_.Turn();
  for (const auto& handler : host_.handlers) EXPECT_TRUE(handler->no_more);
}

// Another connection, which inflates a message.
class Other final : public ByteShare::Waiter {
 public:
  void OnTurn() override { has_turn = true; }
  bool has_turn = false;
};

TEST_F(CallTest, LargeCompressedMessageWaitsWhileOthersAreInflated) {
  Other other;
  ASSERT_TRUE(host_.share.Enter(&other, 900'000));
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.Read();
  const std::string message(900'000, 'x');
  Say(Prefixed(Compressed(message, Format::kGzip), 1));
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  EXPECT_THAT(handler.messages, IsEmpty());
  EXPECT_FALSE(host_.goes_on());
  EXPECT_FALSE(host_.readable());
  host_.share.GiveBack(900'000);
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  EXPECT_THAT(handler.messages, ElementsAre(message));
  EXPECT_TRUE(host_.readable());
  EXPECT_EQ(host_.share.taken(), 0u);
}

TEST_F(CallTest, CompressedMessageThatWaitsForOthersGoesWithItsCall) {
  Other other;
  ASSERT_TRUE(host_.share.Enter(&other, 900'000));
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.Read();
  Say(Prefixed(Compressed(std::string(900'000, 'x'), Format::kGzip), 1));
  for (int turn = 0; turn < 10; ++turn) host_.Turn();
  handler.Finish(absl::OkStatus());
  host_.Turn();
  EXPECT_TRUE(handler.done);
  EXPECT_TRUE(host_.readable());
  host_.share.GiveBack(900'000);
  EXPECT_EQ(host_.share.taken(), 0u);
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, CompressedMessageThatIsHalfInflatedGoesWithItsConnection) {
  NotingHandler& handler = Begin({{"grpc-encoding", "gzip"}});
  handler.has_room = false;
  handler.Read();
  Say(Prefixed(Compressed(std::string(900'000, 'x'), Format::kGzip), 1));
  handler.Read();
  while (handler.sizes.size() < 2) host_.Turn();
  EXPECT_EQ(host_.share.taken(), 900'000u);
  handler.Read();
  host_.Turn();
  host_.Disconnect();
  EXPECT_EQ(host_.share.taken(), 0u);
  EXPECT_THAT(handler.messages, IsEmpty());
}

TEST_F(CallTest, CompressedMessageWithoutAnEncodingIsAnError) {
  NotingHandler& handler = Begin();
  handler.Read();
  Say(Prefixed("hello", 1));
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "13");
}

}  // namespace
}  // namespace nmq::http2
