#include "server/http2/call.h"

#include <malloc.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/unit/http2/compressed.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/test_host.h"

namespace nmq::http2 {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// Notes what it is told, and does what a test says.
class Handler final : public rpc::Handler {
 public:
  explicit Handler(rpc::Exchange* of) : exchange(of) {}

  void OnSize(uint64_t bytes) override {
    EXPECT_FALSE(busy);
    sizes.push_back(bytes);
    if (has_room) Read();
  }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    EXPECT_FALSE(busy);
    messages.emplace_back(bytes.InOnePiece());
    if (reads_on) Read();
  }
  void OnNoMore() override {
    EXPECT_FALSE(busy);
    no_more = true;
  }
  void OnWritten(bool ok) override {
    EXPECT_FALSE(busy);
    written.push_back(ok);
  }
  void OnCancelled() override {
    EXPECT_FALSE(busy);
    cancelled = true;
  }
  void OnPulse() override {
    EXPECT_FALSE(busy);
    Write(1);
  }
  void OnDone() override {
    EXPECT_FALSE(busy);
    done = true;
  }

  // As the exchange has them; nothing may be told from within.
  void Read() {
    Do([this] { exchange->Read(); });
  }
  void ReadRequest() {
    Do([this] { exchange->ReadRequest(); });
  }
  void Write(size_t bytes) {
    v1::PublishResponse response;
    response.set_id(std::string(bytes, 'x'));
    Do([&] { exchange->Write(Frame(response)); });
  }
  void Finish(const absl::Status& status) {
    Do([&] { exchange->Finish(status); });
  }
  template <typename What>
  void Do(What what) {
    busy = true;
    what();
    busy = false;
  }

  rpc::Exchange* const exchange;
  bool busy = false;
  bool reads_on = false;
  bool has_room = true;
  std::vector<uint64_t> sizes;
  std::vector<std::string> messages;
  std::vector<bool> written;
  bool no_more = false;
  bool cancelled = false;
  bool done = false;
};

class Host final : public TestHost, public CallHost {
 public:
  Host() {
    methods_.Add("/test/Echo", [this](rpc::Exchange* exchange) {
      handlers.push_back(std::make_unique<Handler>(exchange));
      return handlers.back().get();
    });
  }
  ~Host() override {
    Disconnect();
    for (const auto& handler : handlers) {
      if (!handler->done) handler->Finish(absl::OkStatus());
    }
    SettleAll();
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(held, 0);
  }

  void Turn() override {
    SettleAll();
    TestHost::Turn();
    timers_.Run(now());
    SettleAll();
  }
  Stream* OnRequest(Connection* connection, int32_t stream, HeaderList headers) override {
    return Call::Begin(this, connection, stream, std::move(headers));
  }
  absl::Duration now() const override { return TestHost::now(); }
  absl::Duration exact_now() const override { return now() + turn_time; }
  absl::Duration clock_shift() const override { return absl::ZeroDuration(); }
  Timers& timers() override { return timers_; }
  OutgoingPool& outgoings() override { return outgoings_; }
  rpc::Loop* rpc_loop() override { return nullptr; }
  const rpc::MethodTable& table() override { return methods_; }
  uint64_t message_bytes_max() const override { return 1 << 20; }
  AgeList<Call>& stalling() override { return stalling_; }
  void OnRefused(const absl::Status& status) override { refused.push_back(ReasonOf(status)); }
  void OnCallBegun() override { ++calls; }
  void OnCallOver() override { --calls; }
  absl::Status CheckRoomForCall() const override { return absl::OkStatus(); }
  void SettleSoon(Call* call) override { settling_.push_back(call); }

  std::vector<std::unique_ptr<Handler>> handlers;
  // Since the turn began.
  absl::Duration turn_time;
  int calls = 0;
  std::vector<std::string> refused;

 private:
  void SettleAll() {
    while (!settling_.empty()) {
      std::vector<Call*> settling;
      settling.swap(settling_);
      for (Call* const call : settling) call->Settle();
    }
  }

  rpc::MethodTable methods_;
  Timers timers_;
  OutgoingPool outgoings_;
  std::vector<Call*> settling_;
  AgeList<Call> stalling_;
};

std::string Prefixed(const std::string& body, char flag = 0) {
  return std::string(1, flag) + BigEndian(static_cast<uint32_t>(body.size())) + body;
}

constexpr absl::Duration kStall = absl::Seconds(30);

class CallTest : public testing::Test {
 protected:
  CallTest() {
    host_.limits.receive_bytes = 1 << 20;
    host_.limits.keepalive = absl::InfiniteDuration();
    peer_ = std::make_unique<RawPeer>(host_.Connect(), [this] { host_.Turn(); });
    EXPECT_TRUE(peer_->Greet());
  }

  // Begins a call on stream 1, with these headers besides the usual ones.
  Handler& Begin(const Fields& more = {}) {
    Fields fields = GrpcRequest();
    fields.insert(fields.end(), more.begin(), more.end());
    EXPECT_TRUE(peer_->Request(1, false, fields));
    EXPECT_EQ(host_.handlers.size(), 1u);
    return *host_.handlers.at(0);
  }
  void Say(const std::string& bytes, bool end = false) {
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, 1, bytes)));
    peer_->Receive();
  }
  // Time passes, and calls that stalled end.
  void Pass(absl::Duration time) {
    host_.Tick(time);
    while (host_.stalling().oldest() != nullptr && host_.now() - host_.stalling().oldest()->since() >= kStall) {
      host_.stalling().oldest()->owner()->EndStalled(kStall);
    }
    host_.Turn();
  }
  std::map<std::string, std::string> Answered() {
    peer_->Receive();
    const Fields fields = peer_->HeadersOf(1);
    return {fields.begin(), fields.end()};
  }

  // By so much the server has opened the stream's window.
  int64_t Opened(int32_t stream) const {
    int64_t opened = 0;
    for (const RawFrame& frame : peer_->Of(NGHTTP2_WINDOW_UPDATE, stream)) {
      int64_t one = 0;
      for (int i = 0; i < 4; ++i) one = one << 8 | static_cast<uint8_t>(frame.payload[i]);
      opened += one;
    }
    return opened;
  }

  Host host_;
  std::unique_ptr<RawPeer> peer_;
};

TEST_F(CallTest, MessagesComeOneByOneAsTheyAreAskedFor) {
  Handler& handler = Begin();
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

TEST_F(CallTest, ThatOnlyAnswersTakesLittleMemory) {
  constexpr int kCalls = 100;
  constexpr size_t kBytesMax = 1000;  // nghttp2's, and those of the test's handlers, are half of it
  peer_->set_reads(false);
  host_.handlers.reserve(kCalls);
  const size_t before = mallinfo2().uordblks;  // nothing under a sanitizer, whose heap is another
  for (int i = 0; i < kCalls; ++i) {
    const int32_t stream = 1 + 2 * i;
    ASSERT_TRUE(peer_->Request(stream, false));
    Handler& handler = *host_.handlers.back();
    handler.ReadRequest();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, i % 2 == 0 ? NGHTTP2_FLAG_END_STREAM : 0, stream, Prefixed("all"))));
    if (i % 2 != 0) ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, "")));
    ASSERT_THAT(handler.messages, ElementsAre("all"));
    handler.Write(40);
    host_.Turn();
    ASSERT_THAT(handler.written, ElementsAre(true));
  }
  EXPECT_LT((mallinfo2().uordblks - before) / kCalls, kBytesMax);
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
  Handler& handler = Begin();
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
  Handler& handler = Begin();
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
  Handler& handler = Begin();
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

TEST_F(CallTest, CompressedMessageIsTakenUpToTheLimit) {
  Handler& handler = Begin({{"grpc-encoding", "gzip"}});
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
  Handler& handler = Begin({{"grpc-encoding", "gzip"}});
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
  Handler& handler = Begin({{"grpc-encoding", "gzip"}});
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

TEST_F(CallTest, LargeCompressedMessagesThatEndAllAtOnceAreTakenOneInATurn) {
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
  for (size_t turn = 0; turn < 3 * kCalls; ++turn) {
    const size_t before = taken();
    host_.Turn();
    EXPECT_LE(taken(), before + 1);
    EXPECT_LE(taken(), turn / 2 + 1);
  }
  EXPECT_EQ(taken(), kCalls);
  for (const auto& handler : host_.handlers) handler->Read();
  host_.Turn();
  for (const auto& handler : host_.handlers) EXPECT_TRUE(handler->no_more);
}

TEST_F(CallTest, CompressedMessageWithoutAnEncodingIsAnError) {
  Handler& handler = Begin();
  handler.Read();
  Say(Prefixed("hello", 1));
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "13");
}

TEST_F(CallTest, MessageThatIsTooLongEndsTheCall) {
  Handler& handler = Begin();
  handler.Read();
  Say(std::string("\0\0\x10\0\1", 5));
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "8");
}

TEST_F(CallTest, MessageThatDoesNotGoOnEndsTheCall) {
  Handler& handler = Begin();
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
  Handler& handler = Begin();
  handler.Read();
  Say(std::string(2, 0));
  Pass(kStall);
  EXPECT_TRUE(handler.cancelled);
}

TEST_F(CallTest, OnlyMessageHasToCome) {
  Handler& handler = Begin();
  handler.ReadRequest();
  peer_->Receive();
  Pass(kStall - absl::Seconds(1));
  EXPECT_FALSE(handler.cancelled);
  Pass(absl::Seconds(1));
  EXPECT_TRUE(handler.cancelled);
  EXPECT_EQ(Answered().at("grpc-status"), "8");
}

TEST_F(CallTest, MayBeSilentBetweenMessagesAndAfterTheOnlyOne) {
  Handler& handler = Begin();
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
  Handler& handler = Begin();
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
  Handler& handler = Begin();
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
  Handler& handler = Begin();
  handler.Read();
  Say(Prefixed("one").substr(0, 6));
  handler.Write(100'000);
  peer_->Receive();
  Pass(kStall);
  EXPECT_TRUE(handler.cancelled);
  peer_->Receive();
  EXPECT_EQ(peer_->reset(1), NGHTTP2_CANCEL);
}

TEST_F(CallTest, RequestThatEndsWithinAMessageIsAnError) {
  Handler& handler = Begin();
  handler.Read();
  Say(Prefixed("hello").substr(0, 8), /*end=*/true);
  EXPECT_TRUE(handler.no_more);
  EXPECT_EQ(Answered().at("grpc-status"), "13");
}

TEST_F(CallTest, HandlerLearnsThatTheCallerHasCancelled) {
  Handler& handler = Begin();
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

TEST_F(CallTest, DeadlineEndsTheCall) {
  Handler& handler = Begin({{"grpc-timeout", "200m"}});
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
  Handler& handler = Begin({{"grpc-timeout", "200m"}});
  host_.Tick(absl::Milliseconds(3'199));
  EXPECT_FALSE(handler.cancelled);
  host_.Tick(absl::Milliseconds(1));
  EXPECT_TRUE(handler.cancelled);
  handler.Finish(absl::OkStatus());
}

TEST_F(CallTest, DeadlineOfACallerThatDoesNotReadResetsTheStream) {
  Handler& handler = Begin({{"grpc-timeout", "1S"}});
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

TEST_F(CallTest, CancelEndsTheWrite) {
  Handler& handler = Begin();
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
  Handler& handler = Begin({{"x-one", "1"}, {"x-one", "2"}, {"x-bytes-bin", "AAEC"}, {"x-bad-bin", "%"}});
  EXPECT_EQ(handler.exchange->Metadata("x-one"), "1");
  EXPECT_EQ(handler.exchange->Metadata("x-bytes-bin"), absl::string_view("\0\1\2", 3));
  EXPECT_EQ(handler.exchange->Metadata("x-bad-bin"), std::nullopt);
  EXPECT_EQ(handler.exchange->Metadata("x-none"), std::nullopt);
}

TEST_F(CallTest, LargeHeadersAreHeldUntilTheFirstMessageHasBeenHandled) {
  Handler& handler = Begin({{"x-large", std::string(10'000, 'x')}});
  EXPECT_GT(host_.held, 9'000);
  EXPECT_EQ(handler.exchange->Metadata("x-large")->size(), 10'000u);
  handler.Read();
  Say(Prefixed("one"));
  EXPECT_THAT(handler.messages, ElementsAre("one"));
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, LargeHeadersOfACallThatEndsAreNotHeld) {
  Handler& handler = Begin({{"x-large", std::string(10'000, 'x')}});
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  peer_->Receive();
  EXPECT_TRUE(handler.cancelled);
  EXPECT_EQ(host_.held, 0);
}

TEST_F(CallTest, ConnectionThatEndsForMemoryLetsGoOfItAtOnce) {
  Handler& handler = Begin();
  Say(Prefixed(std::string(10'000, 'x')).substr(0, 9'000));
  EXPECT_EQ(host_.held, 9'000);
  host_.connection()->EndForMemory();
  host_.Turn();
  EXPECT_TRUE(host_.over);
  EXPECT_EQ(host_.held, 0);
  EXPECT_TRUE(handler.cancelled);
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(CallTest, ConnectionWhoseHeadersTakeMoreThanItMayHoldEnds) {
  host_.limits.held_bytes = 1 << 20;
  Fields fields = GrpcRequest();
  fields.push_back({"x-large", std::string(50'000, 'x')});
  for (int32_t i = 1; i < 100 && host_.abuses.empty(); i += 2) {
    if (!peer_->Request(i, false, fields)) break;
  }
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_THAT(host_.abuses, ElementsAre("too much of requests that nobody takes yet"));
}

TEST_F(CallTest, WhatNobodyReadsStaysWithTheCallerButForAWindow) {
  Handler& handler = Begin();
  std::string sent;
  for (int i = 0; i < 15; ++i) sent += Prefixed(std::string(995, static_cast<char>('a' + i)));
  for (int i = 0; i < 3; ++i) Say(sent.substr(i * 5'000, 5'000));
  EXPECT_TRUE(peer_->Of(NGHTTP2_WINDOW_UPDATE, 1).empty());
  EXPECT_EQ(host_.held, 15'000);
  for (int i = 0; i < 14; ++i) {
    handler.Read();
    peer_->Receive();
  }
  EXPECT_EQ(handler.messages.size(), 14u);
  EXPECT_FALSE(peer_->Of(NGHTTP2_WINDOW_UPDATE, 1).empty());
  EXPECT_LE(host_.held, 2'000);
}

TEST_F(CallTest, MessageForWhichThereIsNoRoomStaysWithTheCallerButForAWindow) {
  Handler& handler = Begin();
  handler.has_room = false;
  handler.Read();
  const std::string sent = Prefixed(std::string(100'000, 'x'));
  Say(sent.substr(0, 16'000));
  EXPECT_THAT(handler.sizes, ElementsAre(100'000));
  EXPECT_THAT(handler.messages, IsEmpty());
  EXPECT_EQ(Opened(1), 0);
  EXPECT_EQ(host_.held, 15'995);

  // Then the window is opened for all that is missing of it, at once.
  handler.Read();
  peer_->Receive();
  EXPECT_EQ(host_.held, 0);
  EXPECT_GE(Opened(1) + 16'384, 100'005);
  EXPECT_LE(Opened(1), 100'005 + 16'384);
  for (size_t at = 16'000; at < sent.size(); at += 14'000) Say(sent.substr(at, 14'000));
  EXPECT_THAT(handler.messages, ElementsAre(sent.substr(5)));
  EXPECT_THAT(handler.sizes, ElementsAre(100'000));

  // And for nothing else.
  EXPECT_LE(Opened(1), 100'005);
  Say(std::string(8'000, 0));
  EXPECT_EQ(peer_->reset(1), -1);
  Say(std::string(8'400, 0));
  EXPECT_EQ(peer_->reset(1), NGHTTP2_FLOW_CONTROL_ERROR);
}

TEST_F(CallTest, LargeMessagesOfAPeerThatKeepsToItsWindowAllArrive) {
  Handler& handler = Begin();
  handler.reads_on = true;
  handler.Read();
  std::string sent;
  for (const size_t size : {100'000, 10, 300'000, 200'000, 16'379, 500'000}) sent += Prefixed(std::string(size, 'x'));
  for (size_t at = 0; at < sent.size();) {
    const auto part = std::min<int64_t>(16'384 + Opened(1) - static_cast<int64_t>(at), 16'384);
    ASSERT_GT(part, 0) << at;
    Say(sent.substr(at, static_cast<size_t>(part)));
    at += static_cast<size_t>(part);
  }
  EXPECT_EQ(handler.messages.size(), 6u);
}

TEST_F(CallTest, ConnectionReceivesItsShareOfLargeMessagesAtOnceAndTheOthersWait) {
  const std::string large = Prefixed(std::string(600'000, 'x'));
  for (int32_t i = 1; i < 7; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    host_.handlers.back()->Read();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, large.substr(0, 1'000))));
  }
  // A message that is there in one piece needs none.
  ASSERT_TRUE(peer_->Request(7, false));
  host_.handlers.back()->Read();
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, 7, Prefixed("small"))));
  peer_->Receive();
  EXPECT_THAT(host_.handlers[0]->sizes, ElementsAre(600'000));
  EXPECT_THAT(host_.handlers[1]->sizes, IsEmpty());
  EXPECT_THAT(host_.handlers[2]->sizes, IsEmpty());
  EXPECT_THAT(host_.handlers[3]->messages, ElementsAre("small"));
  EXPECT_EQ(Opened(3), 0);

  // Those that end leave their place, whether it is in the line or they receive.
  ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 3, BigEndian(NGHTTP2_CANCEL))));
  EXPECT_THAT(host_.handlers[2]->sizes, IsEmpty());
  for (size_t at = 1'000; at < large.size(); at += 14'000) {
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, 1, large.substr(at, 14'000))));
  }
  peer_->Receive();
  EXPECT_EQ(host_.handlers[0]->messages.size(), 1u);
  EXPECT_THAT(host_.handlers[2]->sizes, ElementsAre(600'000));
}

TEST_F(CallTest, PublisherOfManyMessagesHasAWiderWindowUntilItEnds) {
  Handler& handler = Begin();
  handler.reads_on = true;
  handler.Read();
  const int64_t before = host_.pool.free();
  Say(Prefixed("one"));
  EXPECT_EQ(host_.pool.free(), before);
  Say(Prefixed("two"));
  EXPECT_EQ(before - host_.pool.free(), 1 << 20);
  EXPECT_GE(Opened(1), 1 << 20);
  Say("", /*end=*/true);
  EXPECT_EQ(host_.pool.free(), before);
}

TEST_F(CallTest, WiderWindowsOfAConnectionAreBoundedTogether) {
  for (int32_t i = 1; i < 199; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    host_.handlers.back()->reads_on = true;
    host_.handlers.back()->Read();
    ASSERT_TRUE(peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, Prefixed("one") + Prefixed("two"))));
  }
  peer_->Receive();
  int64_t wide = 0;
  for (int32_t i = 1; i < 199; i += 2) wide += Opened(i);
  EXPECT_LE(wide, host_.limits.wide_bytes + 99 * host_.limits.window_bytes);
  EXPECT_GE(wide, host_.limits.wide_bytes / 2);
}

TEST_F(CallTest, ConnectionThatHoldsMoreThanItMayEnds) {
  host_.limits.held_bytes = 1 << 20;
  const std::string part = Prefixed(std::string(900'000, 'x')).substr(0, 16'000);
  for (int32_t i = 1; i < 200; i += 2) {
    ASSERT_TRUE(peer_->Request(i, false));
    if (!peer_->Send(ToBytes(NGHTTP2_DATA, 0, i, part)) || host_.over) break;
    EXPECT_LE(host_.held, (1 << 20) + 16'000);
    if (!host_.abuses.empty()) break;
  }
  peer_->Receive();
  EXPECT_EQ(peer_->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_THAT(host_.abuses, ElementsAre("too much of requests that nobody takes yet"));
}

}  // namespace
}  // namespace nmq::http2
