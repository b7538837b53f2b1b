#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/library_client.h"
#include "tests/bench/raw_client.h"
#include "tests/bench/server_process.h"
#include "tests/bench/workload.h"

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Not;

class Smoke : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto server = ServerProcess::Start(std::getenv("NMQD"), {}, testing::TempDir() + "/nmqd.log");
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    const std::string& address = server_->address();
    client_ = GetParam() == "library" ? MakeLibraryClient(address) : MakeRawClient({address, {}});
    target_ = {.client = client_.get(), .server = server_->pid(), .queue = "bench"};
  }

  void TearDown() override {
    client_ = nullptr;
    if (server_ == nullptr) return;
    const absl::Status stopped = server_->Stop();
    EXPECT_TRUE(stopped.ok()) << stopped;
  }

  // Every message was heard by every subscriber, and the figures about it are there.
  void ExpectHeard(double deliveries) {
    EXPECT_THAT(report_.Values("W", "heard"), ElementsAre(deliveries));
    EXPECT_THAT(report_.Values("W", "missed, as gaps told"), ElementsAre(0));
    EXPECT_THAT(report_.Values("W", "deliveries"), ElementsAre(Gt(0)));
    EXPECT_THAT(report_.Values("W", "latency p99"), ElementsAre(Gt(0)));
    EXPECT_THAT(report_.Values("W", "server memory"), ElementsAre(Gt(0)));
    EXPECT_THAT(report_.Values("W", "server CPU per delivery"), Not(IsEmpty()));
  }

  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
  Target target_;
  Report report_;
};

TEST_P(Smoke, EveryMessageOfAThroughputRunIsHeard) {
  const absl::Status status = RunThroughput({.messages = 2000, .lag = 500}, target_, "W", 10, &report_);
  ASSERT_TRUE(status.ok()) << status;
  ExpectHeard(2000 * 10);
}

TEST_P(Smoke, MoreSubscribersThanConnectionsAndThreads) {
  const Options options = {.messages = 500, .channels = 3, .threads = 2, .batch = 7, .window = 1};
  const absl::Status status = RunThroughput(options, target_, "W", 20, &report_);
  ASSERT_TRUE(status.ok()) << status;
  // Whole batches: the raw client sends 72 of them; the library's last one is short.
  ExpectHeard((GetParam() == "library" ? 500 : 504) * 20);
}

TEST_P(Smoke, EveryMessageOfALatencyRunIsHeard) {
  const absl::Status status = RunLatency({.messages = 100, .per_second = 10000}, target_, "W", 5, &report_);
  ASSERT_TRUE(status.ok()) << status;
  ExpectHeard(100 * 5);
}

TEST_P(Smoke, EveryMessageOfALatencyRunWithPublishIsHeard) {
  const Options options = {.messages = 100, .per_second = 10000, .pace = PaceMode::kUnary};
  const absl::Status status = RunLatency(options, target_, "W", 5, &report_);
  ASSERT_TRUE(status.ok()) << status;
  ExpectHeard(100 * 5);
}

TEST_P(Smoke, IdleSubscriptionsStayAlive) {
  const Options options = {
      .idle_subscriptions = 60, .idle_connections = 3, .idle_clients = 6, .idle_watched = absl::Milliseconds(10)};
  const absl::Status status = RunIdle(options, target_, "W", &report_);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(report_.Values("W", "idle subscriptions"), ElementsAre(60));
  EXPECT_THAT(report_.Values("W", "memory per idle subscription"), Not(IsEmpty()));
}

TEST_P(Smoke, ServerThatIsGoneIsAnError) {
  const absl::Status stopped = server_->Stop();
  ASSERT_TRUE(stopped.ok()) << stopped;
  server_ = nullptr;
  EXPECT_FALSE(RunThroughput({.messages = 100}, target_, "W", 1, &report_).ok());
}

INSTANTIATE_TEST_SUITE_P(Clients, Smoke, testing::Values("raw", "library"),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace nmq::bench
