#include "server/http2/loop.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "tests/testing/notification.h"
#include "tests/unit/http2/raw_peer.h"

namespace nmq::http2 {
namespace {

using testing::ElementsAre;

// Answers with what it is sent, and deletes itself.
class Echo final : public Stream {
 public:
  Echo(Connection* connection, int32_t number) : connection_(connection), number_(number) {}

  void OnData(absl::string_view bytes) override {
    body_.append(bytes.data(), bytes.size());
    connection_->Consume(number_, bytes.size());
  }
  void OnEnd() override { connection_->Answer(number_, {{":status", "200"}}, /*body=*/true); }
  Offer OfferBody(size_t bytes_max) override {
    const size_t part = std::min(bytes_max, body_.size() - at_);
    return {part, at_ + part == body_.size()};
  }
  void GiveBody(size_t bytes, Gather* gather) override {
    gather->Copy(body_.data() + at_, bytes);
    at_ += bytes;
  }
  Headers Trailers() override { return {{"grpc-status", "0"}}; }
  void OnSent() override {}
  void OnClosed(bool) override { delete this; }

 private:
  Connection* const connection_;
  const int32_t number_;
  std::string body_;
  size_t at_ = 0;
};

class LoopTest : public testing::Test {
 protected:
  LoopTest()
      : loop_(std::make_shared<Loop>(
            &lane_, &RealClock(), &metrics_, ConnectionLimits(),
            [](Loop*, Connection* connection, int32_t stream, HeaderList) { return new Echo(connection, stream); })) {
    EXPECT_TRUE(loop_->Start());
  }
  ~LoopTest() override { Stop(); }

  void Stop() {
    loop_->Shutdown();
    loop_->Join();
  }
  std::unique_ptr<RawPeer> Connect() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    loop_->Adopt(ends[0], "test");
    return std::make_unique<RawPeer>(ends[1], [] {});
  }
  // Runs `task` on the loop, and waits until that is done.
  void Run(const std::function<void()>& task) {
    Notification done;
    loop_->Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }

  Metrics metrics_;
  broker::Lane lane_{0};
  std::shared_ptr<Loop> loop_;
};

TEST_F(LoopTest, TasksRunOnItsThreadInTheirOrder) {
  std::vector<int> order;
  for (int i = 1; i <= 3; ++i) {
    loop_->Post([&, i] {
      EXPECT_TRUE(loop_->IsCurrent());
      order.push_back(i);
    });
  }
  Run([] {});
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_FALSE(loop_->IsCurrent());
}

TEST_F(LoopTest, TimersComeInTheOrderOfTheirTimes) {
  std::vector<int> order;
  Notification last;
  Timer first([&] { order.push_back(1); });
  Timer never([&] { order.push_back(0); });
  Timer second([&] {
    order.push_back(2);
    last.Notify();
  });
  Run([&] {
    loop_->timers().Set(&second, loop_->now() + absl::Milliseconds(2));
    loop_->timers().Set(&first, loop_->now() + absl::Milliseconds(1));
    loop_->timers().Set(&never, loop_->now());
    loop_->timers().Cancel(&never);
  });
  last.WaitForNotification();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(LoopTest, NoWakeIsLost) {
  int count = 0;  // for the loop only
  constexpr int kPosts = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kPosts; ++j) loop_->Post([&] { ++count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 1'000; ++i) Run([] {});
  Run([&] { EXPECT_EQ(count, 2 * kPosts); });
}

TEST_F(LoopTest, ManyConnectionsAreServedAtOnce) {
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(Connect());
    ASSERT_TRUE(peers.back()->Greet());
    ASSERT_TRUE(peers.back()->Request(1, false));
  }
  for (size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(peers[i]->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, std::string(1'000 * i, 'x'))));
  }
  for (size_t i = 0; i < peers.size(); ++i) {
    ASSERT_TRUE(peers[i]->ReceiveUntil([&] { return peers[i]->Of(NGHTTP2_HEADERS, 1).size() == 2; }));
    EXPECT_EQ(peers[i]->BodyOf(1), std::string(1'000 * i, 'x'));
  }
  EXPECT_EQ(loop_->connections(), 20u);
}

TEST_F(LoopTest, ConnectionThatIsIdleLongestEndsFirst) {
  const auto busy = Connect();
  ASSERT_TRUE(busy->Greet());
  ASSERT_TRUE(busy->Request(1, false));
  ASSERT_TRUE(busy->ReceiveUntil([&] { return busy->frames().size() >= 2; }));
  const auto older = Connect();
  ASSERT_TRUE(older->ReceiveUntil([&] { return !older->frames().empty(); }));
  const auto newer = Connect();
  ASSERT_TRUE(newer->ReceiveUntil([&] { return !newer->frames().empty(); }));
  Run([&] { loop_->EndIdlest(); });
  EXPECT_FALSE(older->ReceiveUntil([] { return false; }));
  Run([&] { EXPECT_EQ(loop_->connections(), 2u); });
  Run([&] { loop_->EndIdlest(); });
  EXPECT_FALSE(newer->ReceiveUntil([] { return false; }));
  Run([&] { loop_->EndIdlest(); });
  ASSERT_TRUE(busy->Send(ToBytes(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "still here")));
  ASSERT_TRUE(busy->ReceiveUntil([&] { return busy->BodyOf(1) == "still here"; }));
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
  loop_ = std::make_shared<Loop>(&lane_, &RealClock(), &metrics_, ConnectionLimits(), nullptr);
}

}  // namespace
}  // namespace nmq::http2
