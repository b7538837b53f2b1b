#ifndef NMQ_TESTS_UNIT_HTTP2_CALL_FIXTURE_H_
#define NMQ_TESTS_UNIT_HTTP2_CALL_FIXTURE_H_

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/http2/call.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/test_host.h"

namespace nmq::http2 {

// Notes what it is told, and does what a test says.
class NotingHandler final : public rpc::Handler {
 public:
  explicit NotingHandler(rpc::Exchange* of) : exchange(of) {}

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

class CallTestHost final : public TestHost, public CallHost {
 public:
  CallTestHost() {
    methods_.Add("/test/Echo", [this](rpc::Exchange* exchange) {
      handlers.push_back(std::make_unique<NotingHandler>(exchange));
      return handlers.back().get();
    });
  }
  ~CallTestHost() override {
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

  std::vector<std::unique_ptr<NotingHandler>> handlers;
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

inline std::string Prefixed(const std::string& body, char flag = 0) {
  return std::string(1, flag) + BigEndian(static_cast<uint32_t>(body.size())) + body;
}

inline constexpr absl::Duration kStall = absl::Seconds(30);

class CallTest : public testing::Test {
 protected:
  CallTest() {
    host_.limits.receive_bytes = 1 << 20;
    host_.limits.keepalive = absl::InfiniteDuration();
    peer_ = std::make_unique<RawPeer>(host_.Connect(), [this] { host_.Turn(); });
    EXPECT_TRUE(peer_->Greet());
  }

  // Begins a call on stream 1, with these headers besides the usual ones.
  NotingHandler& Begin(const Fields& more = {}) {
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

  CallTestHost host_;
  std::unique_ptr<RawPeer> peer_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_CALL_FIXTURE_H_
