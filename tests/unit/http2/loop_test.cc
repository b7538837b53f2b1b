#include "server/http2/loop.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "prometheus/metric_family.h"
#include "server/frame/frame.h"
#include "server/http2/socket.h"
#include "server/http2/tls_context.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/rpc/exchange.h"
#include "tests/testing/notification.h"
#include "tests/unit/http2/compressed.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/tls_files.h"
#include "tests/unit/http2/tls_peer.h"
#include "tests/unit/rpc/loop_facts.h"

namespace nmq::http2 {
namespace {

using testing::Contains;
using testing::Pair;

// Answers each call with as many bytes as its messages have, and deletes itself.
class Count final : public rpc::Handler {
 public:
  explicit Count(rpc::Exchange* exchange) : exchange_(exchange) { exchange->Read(); }

  void OnSize(uint64_t) override { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    bytes_ += bytes.size();
    exchange_->Read();
  }
  void OnNoMore() override {
    v1::PublishResponse response;
    response.set_sequence(bytes_);
    exchange_->FinishWith(Frame(response));
  }
  void OnDone() override { delete this; }

 private:
  rpc::Exchange* const exchange_;
  uint64_t bytes_ = 0;
};

// Notes how large its message is, and answers.
class Note final : public rpc::Handler {
 public:
  Note(rpc::Exchange* exchange, std::vector<uint64_t>* sizes) : exchange_(exchange), sizes_(sizes) { exchange->Read(); }

  void OnSize(uint64_t) override { exchange_->Read(); }
  void OnMessage(const rpc::RequestBytes& bytes) override {
    sizes_->push_back(bytes.size());
    exchange_->Finish(absl::OkStatus());
  }
  void OnNoMore() override { exchange_->Finish(absl::CancelledError("there is no message")); }
  void OnDone() override { delete this; }

 private:
  rpc::Exchange* const exchange_;
  std::vector<uint64_t>* const sizes_;
};

// Does something when a request has come, and answers with an error.
class Look final : public rpc::Handler {
 public:
  Look(rpc::Exchange* exchange, const std::function<void()>& look) {
    look();
    exchange->Finish(absl::CancelledError("has looked"));
  }
  void OnSize(uint64_t) override {}
  void OnMessage(const rpc::RequestBytes&) override {}
  void OnNoMore() override {}
  void OnDone() override { delete this; }
};

// Reads nothing.
class Hold final : public rpc::Handler {
 public:
  explicit Hold(rpc::Exchange* exchange) : exchange_(exchange) {}

  void OnSize(uint64_t) override {}
  void OnMessage(const rpc::RequestBytes&) override {}
  void OnNoMore() override {}
  void OnCancelled() override { exchange_->Finish(absl::CancelledError("gone")); }
  void OnDone() override { delete this; }

 private:
  rpc::Exchange* const exchange_;
};

class LoopTest : public rpc::RunningLoop {
 protected:
  LoopTest() {
    options_.message_bytes_max = 1 << 20;
    options_.held_bytes_max = 1 << 20;
    options_.wide_bytes = 1 << 20;
    options_.limits.window_bytes = 65'535;
    loop_ = NewLoop();
    loop_->Start();
  }
  ~LoopTest() override { Stop(); }

  rpc::Loop& loop() override { return *loop_; }
  void Stop() override {
    loop_->Shutdown();
    loop_->Join();
  }
  // With other options.
  void Restart() {
    Stop();
    loop_ = NewLoop();
    loop_->Start();
  }
  std::unique_ptr<RawPeer> Connect() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    loop_->Adopt(std::make_unique<Socket>(ends[0]), "test");
    return std::make_unique<RawPeer>(ends[1], [end = ends[1]] {
      pollfd waiting = {end, POLLOUT, 0};
      poll(&waiting, 1, -1);
    });
  }
  std::shared_ptr<Loop> NewLoop() {
    auto loop =
        std::make_shared<Loop>(options_, &lane_, &RealClock(), &metrics_, rpc::Loop::Memory{&memory_, &memory_});
    EXPECT_TRUE(loop->ok());
    loop->methods().Add("/test/Hold", [](rpc::Exchange* exchange) { return new Hold(exchange); });
    loop->methods().Add("/test/Echo", [](rpc::Exchange* exchange) { return new Count(exchange); });
    return loop;
  }
  // Counted with this reason.
  double Refusals(const std::string& reason) const {
    double count = 0;
    for (const prometheus::MetricFamily& family : metrics_.Collect()) {
      if (family.name != "nmq_refused_requests_total") continue;
      for (const prometheus::ClientMetric& metric : family.metric) {
        for (const auto& label : metric.label) count += label.value == reason ? metric.counter.value : 0;
      }
    }
    return count;
  }
  static std::string Prefixed(size_t size) {
    return std::string(1, 0) + BigEndian(static_cast<uint32_t>(size)) + std::string(size, 'x');
  }
  static std::string PrefixedAndCompressed(size_t size) {
    const std::string packed = Compressed(std::string(size, 'x'), Format::kZlib);
    return std::string(1, 1) + BigEndian(static_cast<uint32_t>(packed.size())) + packed;
  }
  static std::string Counted(uint64_t bytes) {
    v1::PublishResponse response;
    response.set_sequence(bytes);
    const std::string message = response.SerializeAsString();
    return std::string(1, 0) + BigEndian(static_cast<uint32_t>(message.size())) + message;
  }

  Metrics metrics_;
  MemoryBudget memory_{1 << 20};
  broker::Lane lane_{0};
  Loop::Options options_;
  std::shared_ptr<Loop> loop_;
};

TEST_F(LoopTest, ManyConnectionsAreServedAtOnce) {
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(Connect());
    ASSERT_TRUE(peers.back()->Greet());
    ASSERT_TRUE(peers.back()->Request(1, false));
  }
  for (size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(peers[i]->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(1'000 * i))));
  }
  for (size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(peers[i]->ReceiveUntil([&] { return peers[i]->Of(NGHTTP2_HEADERS, 1).size() == 2; }));
    EXPECT_EQ(peers[i]->BodyOf(1), Counted(1'000 * i));
  }
  EXPECT_EQ(loop_->connections(), 20u);
}

TEST_F(LoopTest, WorkForOthersWaitsForRequestsThatAreLittleWork) {
  constexpr int kPeers = 20;
  constexpr size_t kBytes = 1'000'000;
  std::vector<uint64_t> sizes;  // of messages, in their order
  loop_->methods().Add("/test/Note", [&](rpc::Exchange* exchange) { return new Note(exchange, &sizes); });
  Fields compressed = GrpcRequest("/test/Note");
  compressed.emplace_back("grpc-encoding", "gzip");
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < kPeers + 1; ++i) {
    peers.push_back(Connect());
    ASSERT_TRUE(peers.back()->Greet());
  }
  // All have spoken before the loop looks, and the one that asks little last.
  Run([&] {
    for (int i = 0; i < kPeers; ++i) {
      ASSERT_TRUE(peers[i]->Request(1, false, compressed));
      ASSERT_TRUE(peers[i]->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, PrefixedAndCompressed(kBytes))));
    }
    ASSERT_TRUE(peers[kPeers]->Request(1, false, GrpcRequest("/test/Note")));
    ASSERT_TRUE(peers[kPeers]->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(7))));
  });
  for (const auto& peer : peers) {
    ASSERT_TRUE(peer->ReceiveUntil([&] { return !peer->Of(NGHTTP2_HEADERS, 1).empty(); }));
  }
  Run([&] {
    EXPECT_EQ(sizes.front(), 7u);
    EXPECT_THAT(sizes, testing::SizeIs(kPeers + 1));
  });
}

TEST_F(LoopTest, ConnectionThatIsIdleLongestEndsFirst) {
  options_.limits.spare_unused = absl::ZeroDuration();
  Restart();
  const auto busy = Connect();
  ASSERT_TRUE(busy->Greet());
  ASSERT_TRUE(busy->Request(1, false));
  ASSERT_TRUE(busy->ReceiveUntil([&] { return busy->frames().size() >= 2; }));
  const auto older = Connect();
  ASSERT_TRUE(older->ReceiveUntil([&] { return !older->frames().empty(); }));
  const auto newer = Connect();
  ASSERT_TRUE(newer->ReceiveUntil([&] { return !newer->frames().empty(); }));
  loop_->MakeRoom();
  EXPECT_FALSE(older->ReceiveUntil([] { return false; }));
  EXPECT_EQ(older->goaway(), NGHTTP2_NO_ERROR);
  EXPECT_FALSE(newer->ended());
  loop_->MakeRoom();
  EXPECT_FALSE(newer->ReceiveUntil([] { return false; }));
  loop_->MakeRoom();
  ASSERT_TRUE(busy->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(7))));
  ASSERT_TRUE(busy->ReceiveUntil([&] { return busy->BodyOf(1) == Counted(7); }));
}

TEST_F(LoopTest, TakesNoMoreThanSomeConnectionsAheadOfItsThread) {
  constexpr int kPeers = 200;
  std::vector<int> ends(kPeers);
  Notification all;
  Notification looked;
  loop_->Post([&] {
    EXPECT_FALSE(all.WaitForNotificationWithTimeout(absl::Milliseconds(200)));
    looked.Notify();
  });
  for (int& end : ends) {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    end = pair[1];
    loop_->Adopt(std::make_unique<Socket>(pair[0]), "test");
  }
  all.Notify();
  looked.WaitForNotification();
  Run([&] { EXPECT_EQ(loop_->connections(), size_t{kPeers}); });
  for (const int end : ends) close(end);
}

TEST_F(LoopTest, ManyHandshakesDoNotHoldUpOthers) {
  constexpr int kPeers = 50;
  TestTlsFiles files;
  const auto context = TlsContext::Load(files.paths()).value();
  std::vector<std::unique_ptr<TlsPeer>> peers;
  int answered = 0;  // when the request of another has come
  loop_->methods().Add("/test/Look", [&](rpc::Exchange* exchange) {
    return new Look(exchange, [&] {
      for (const auto& peer : peers) {
        pollfd waiting = {peer->socket(), POLLIN, 0};
        if (poll(&waiting, 1, 0) == 1) ++answered;
      }
    });
  });
  const auto other = Connect();
  ASSERT_TRUE(other->Greet());
  for (int i = 0; i < kPeers; ++i) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    loop_->Adopt(context->Serve(ends[0]), "test");
    peers.push_back(std::make_unique<TlsPeer>(ends[1], TlsPeer::Options{.ca = files.authority().certificate()}));
  }
  // All have spoken before the loop looks.
  Run([&] {
    for (const auto& peer : peers) peer->Step();
    loop_->Post([&] { ASSERT_TRUE(other->Request(1, true, GrpcRequest("/test/Look"))); });
  });
  ASSERT_TRUE(other->ReceiveUntil([&] { return other->Of(NGHTTP2_HEADERS, 1).size() == 1; }));
  EXPECT_LT(answered, kPeers / 2);
  for (const auto& peer : peers) {
    while (peer->received().empty()) {
      pollfd waiting = {peer->socket(), POLLIN, 0};
      poll(&waiting, 1, -1);
      peer->Step();
      peer->Step();  // what it answers to that
      ASSERT_EQ(peer->failure(), 0);
      ASSERT_FALSE(peer->ended());
    }
  }
}

TEST_F(LoopTest, ConnectionThatNeverHadARequestEndsBeforeOneThatHad) {
  options_.limits.spare_unused = absl::ZeroDuration();
  options_.limits.spare_used = absl::ZeroDuration();
  Restart();
  const auto used = Connect();
  ASSERT_TRUE(used->Greet());
  ASSERT_TRUE(used->Request(1, false));
  ASSERT_TRUE(used->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(7))));
  ASSERT_TRUE(used->ReceiveUntil([&] { return used->BodyOf(1) == Counted(7); }));
  const auto unused = Connect();
  ASSERT_TRUE(unused->Greet());
  ASSERT_TRUE(unused->ReceiveUntil([&] { return !unused->frames().empty(); }));
  loop_->MakeRoom();
  EXPECT_FALSE(unused->ReceiveUntil([] { return false; }));
  EXPECT_EQ(unused->goaway(), NGHTTP2_NO_ERROR);
  ASSERT_TRUE(used->Send(ToBytes(NGHTTP2_PING, 0, 0, "12345678")));
  ASSERT_TRUE(used->ReceiveUntil([&] { return !used->Of(NGHTTP2_PING, 0).empty(); }));
  EXPECT_EQ(used->goaway(), -1);
  loop_->MakeRoom();
  EXPECT_FALSE(used->ReceiveUntil([] { return false; }));
  EXPECT_EQ(used->goaway(), NGHTTP2_NO_ERROR);
}

TEST_F(LoopTest, NobodyWhoCameOrCalledLatelyHasToMakeRoom) {
  const auto used = Connect();
  ASSERT_TRUE(used->Greet());
  ASSERT_TRUE(used->Request(1, true));
  ASSERT_TRUE(used->ReceiveUntil([&] { return used->Of(NGHTTP2_HEADERS, 1).size() == 2; }));
  const auto unused = Connect();
  ASSERT_TRUE(unused->Greet());
  ASSERT_TRUE(unused->ReceiveUntil([&] { return !unused->frames().empty(); }));
  for (int i = 0; i < 10; ++i) {
    loop_->MakeRoom();
    Run([] {});
  }
  Run([&] { EXPECT_EQ(loop_->connections(), 2u); });
  ASSERT_TRUE(used->Request(3, true));
  ASSERT_TRUE(used->ReceiveUntil([&] { return used->Of(NGHTTP2_HEADERS, 3).size() == 2; }));
  EXPECT_EQ(used->goaway(), -1);
  EXPECT_EQ(unused->goaway(), -1);
}

TEST_F(LoopTest, OldestThatHasNotGreetedEndsWhenThereAreTooMany) {
  options_.greeting_max = 2;
  Restart();
  const auto greeted = Connect();
  ASSERT_TRUE(greeted->Greet());
  ASSERT_TRUE(greeted->ReceiveUntil([&] { return greeted->frames().size() >= 2; }));
  std::vector<std::unique_ptr<RawPeer>> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(Connect());
  for (size_t i : {0, 1}) {
    EXPECT_FALSE(silent[i]->ReceiveUntil([] { return false; }));
    EXPECT_EQ(silent[i]->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  }
  for (size_t i : {2, 3}) {
    ASSERT_TRUE(silent[i]->Greet());
    ASSERT_TRUE(silent[i]->Request(1, true));
    ASSERT_TRUE(silent[i]->ReceiveUntil([&] { return silent[i]->Of(NGHTTP2_HEADERS, 1).size() == 2; }));
  }
  EXPECT_EQ(greeted->goaway(), -1);
}

TEST_F(LoopTest, EndsItsConnectionsWithItself) {
  const auto peer = Connect();
  ASSERT_TRUE(peer->Greet());
  ASSERT_TRUE(peer->Request(1, false));
  ASSERT_TRUE(peer->ReceiveUntil([&] { return !peer->frames().empty(); }));
  Stop();
  EXPECT_FALSE(peer->ReceiveUntil([] { return false; }));
  // Whose socket is adopted too late is told, too.
  const auto late = Connect();
  loop_ = nullptr;
  EXPECT_FALSE(late->ReceiveUntil([] { return false; }));
  loop_ = NewLoop();
  loop_->Start();
}

TEST_F(LoopTest, DrainsItsConnectionsOfWhichNoneAnswers) {
  const auto idle = Connect();
  const auto busy = Connect();
  ASSERT_TRUE(idle->Greet());
  ASSERT_TRUE(busy->Greet());
  ASSERT_TRUE(busy->Request(1, false));
  ASSERT_TRUE(busy->ReceiveUntil([&] { return busy->frames().size() >= 2; }));
  Run([&] { loop_->DrainConnections(); });
  for (RawPeer* const peer : {idle.get(), busy.get()}) {
    ASSERT_TRUE(peer->ReceiveUntil([&] { return peer->Of(NGHTTP2_GOAWAY, 0).size() == 2; }));
    EXPECT_EQ(peer->goaway(), NGHTTP2_NO_ERROR);
  }
  EXPECT_FALSE(idle->ReceiveUntil([] { return false; }));
  ASSERT_TRUE(busy->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(7))));
  EXPECT_FALSE(busy->ReceiveUntil([] { return false; }));
  EXPECT_EQ(busy->BodyOf(1), Counted(7));
  // Their ends are still open.
  while (loop_->connections() > 0) Run([] {});
}

TEST_F(LoopTest, DeadlineComesByItself) {
  const auto peer = Connect();
  ASSERT_TRUE(peer->Greet());
  Fields fields = GrpcRequest();
  fields.emplace_back("grpc-timeout", "5m");
  ASSERT_TRUE(peer->Request(1, false, fields));
  ASSERT_TRUE(peer->ReceiveUntil([&] { return peer->Of(NGHTTP2_HEADERS, 1).size() == 1; }));
  EXPECT_THAT(peer->HeadersOf(1), testing::Contains(testing::Pair("grpc-status", "4")));
}

TEST_F(LoopTest, CallThatDoesNotGoOnEndsAndOthersStay) {
  options_.limits.stall = absl::Milliseconds(50);
  Restart();
  const auto peer = Connect();
  ASSERT_TRUE(peer->Greet());
  ASSERT_TRUE(peer->Request(1, false));
  ASSERT_TRUE(peer->Request(3, false));
  ASSERT_TRUE(peer->Send(ToBytes(NGHTTP2_DATA, 0, 1, Prefixed(100))));
  ASSERT_TRUE(peer->Send(ToBytes(NGHTTP2_DATA, 0, 3, Prefixed(100).substr(0, 50))));
  ASSERT_TRUE(peer->ReceiveUntil([&] { return peer->Of(NGHTTP2_HEADERS, 3).size() == 1; }));
  EXPECT_THAT(peer->HeadersOf(3), testing::Contains(testing::Pair("grpc-status", "8")));
  EXPECT_EQ(Refusals("REQUEST_STALLED"), 1);
  ASSERT_TRUE(peer->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, Prefixed(11))));
  ASSERT_TRUE(peer->ReceiveUntil([&] { return peer->Of(NGHTTP2_HEADERS, 1).size() == 2; }));
  EXPECT_EQ(peer->BodyOf(1), Counted(111));
}

TEST_F(LoopTest, CallForWhichThereIsNoRoomIsRefusedUntilAnotherHasEnded) {
  options_.calls_max = 2;
  Restart();
  const auto holder = Connect();
  ASSERT_TRUE(holder->Greet());
  ASSERT_TRUE(holder->Request(1, false, GrpcRequest("/test/Hold")));
  ASSERT_TRUE(holder->Request(3, false, GrpcRequest("/test/Hold")));
  const auto peer = Connect();
  ASSERT_TRUE(peer->Greet());
  ASSERT_TRUE(peer->Request(1, true, GrpcRequest("/test/Echo")));
  ASSERT_TRUE(peer->ReceiveUntil([&] { return !peer->HeadersOf(1).empty(); }));
  EXPECT_THAT(peer->HeadersOf(1), Contains(Pair("grpc-status", "8")));
  EXPECT_EQ(Refusals("MEMORY_SHORT"), 1);
  ASSERT_TRUE(holder->Send(ToBytes(NGHTTP2_RST_STREAM, 0, 1, BigEndian(NGHTTP2_CANCEL))));
  bool answered = false;
  for (int32_t i = 3; i < 2'000 && !answered; i += 2) {
    ASSERT_TRUE(peer->Request(i, true, GrpcRequest("/test/Echo")));
    ASSERT_TRUE(peer->ReceiveUntil([&] { return !peer->HeadersOf(i).empty(); }));
    answered = peer->BodyOf(i) == Counted(0);
  }
  EXPECT_TRUE(answered);
}

TEST_F(LoopTest, ConnectionThatHoldsMostEndsWhenMemoryIsShort) {
  const auto small = Connect();
  const auto large = Connect();
  const std::string part(16'000, 'x');
  const Fields hold = GrpcRequest("/test/Hold");
  ASSERT_TRUE(small->Greet());
  ASSERT_TRUE(small->Request(1, false, hold));
  ASSERT_TRUE(small->Send(ToBytes(NGHTTP2_DATA, 0, 1, part)));
  ASSERT_TRUE(large->Greet());
  for (int32_t i = 1; i < 200 && !large->ended(); i += 2) {
    if (!large->Request(i, false, hold) || !large->Send(ToBytes(NGHTTP2_DATA, 0, i, part))) break;
  }
  EXPECT_FALSE(large->ReceiveUntil([] { return false; }));
  EXPECT_EQ(large->goaway(), NGHTTP2_ENHANCE_YOUR_CALM);
  ASSERT_TRUE(small->Request(3, true));
  ASSERT_TRUE(small->ReceiveUntil([&] { return small->Of(NGHTTP2_HEADERS, 3).size() == 2; }));
  EXPECT_EQ(small->goaway(), -1);
}

}  // namespace
}  // namespace nmq::http2

namespace nmq::rpc {

INSTANTIATE_TYPED_TEST_SUITE_P(Http2, LoopFacts, http2::LoopTest);

}  // namespace nmq::rpc
