// The time of day is set back by an hour while a server and its clients run: whatever waits goes on, and what is due
// comes when it is due.
#include <signal.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/stepped_clock.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

constexpr absl::Duration kStep = absl::Hours(1);
constexpr char kConfig[] = R"(
    limits { heartbeat { seconds: 1 } }
    namespace {
      name: "default"
      queue { name: "JOBS" durability: DURABILITY_DURABLE }
      queue { name: "SHORT" durability: DURABILITY_DURABLE retention { messages: 5 } }
    })";

class ClockStep : public testing::Test {
 protected:
  ClockStep() {
    flags_ = Nmqd::WithConfig(kConfig);
    flags_.push_back(absl::StrCat("--data_dir=", directory_));
    nmqd_ = std::make_unique<Nmqd>(flags_);
    api_ = std::make_unique<Api>(nmqd_->address());
  }

  // Listens, and returns when a heartbeat has come: then everything is under way, and waits.
  std::unique_ptr<Listener> ListenUntilQuiet(const v1::SubscribeRequest& request) {
    auto listener = std::make_unique<Listener>(api_.get(), request);
    AwaitHeartbeat(listener.get());
    return listener;
  }
  static void AwaitHeartbeat(Listener* listener) {
    std::optional<v1::SubscribeResponse> frame;
    do {
      frame = listener->NextFrame();
    } while (frame.has_value() && !frame->has_heartbeat());
    EXPECT_TRUE(frame.has_value()) << "no heartbeat came; the stream ended with " << listener->End().error_message();
  }
  v1::ConnectRequest ShortLease() {
    v1::ConnectRequest request;
    request.mutable_lease()->set_seconds(5);
    return request;
  }
  uint64_t Clients() { return InfoOf(api_.get()).clients(); }

  const std::string directory_ = FreshDirectory();
  std::vector<std::string> flags_;
  std::unique_ptr<Nmqd> nmqd_;
  std::unique_ptr<Api> api_;
};

TEST_F(ClockStep, HeartbeatsCome) {
  const TestClient client(api_.get());
  const auto listener = ListenUntilQuiet(client.SubscribeRequest("JOBS"));
  StepClock(-kStep);
  for (int i = 0; i < 3; ++i) AwaitHeartbeat(listener.get());
}

TEST_F(ClockStep, LeasesRunOut) {
  const TestClient staying(api_.get());
  const auto listener = ListenUntilQuiet(staying.SubscribeRequest("JOBS"));
  const TestClient going(api_.get(), ShortLease());
  StepClock(-kStep);
  EXPECT_TRUE(WaitUntil([&] { return Clients() == 1; }));
}

TEST_F(ClockStep, AckDeadlinesOfAGroupRunOut) {
  const TestClient client(api_.get());
  v1::SubscribeRequest request = client.SubscribeRequest("JOBS");
  request.mutable_group()->set_name("workers");
  request.mutable_group()->mutable_ack_deadline()->set_seconds(3);
  Listener listener(api_.get(), request);
  client.Publish("JOBS", "do", "1");
  EXPECT_EQ(listener.NextMessage().payload(), "1");
  StepClock(-kStep);
  const v1::Message again = listener.NextMessage();
  EXPECT_EQ(again.payload(), "1");
  EXPECT_EQ(again.attempt(), 2);
}

TEST_F(ClockStep, MessagesAreDueByTheTimeOfDayThatIsNow) {
  const TestClient client(api_.get());
  const auto listener = ListenUntilQuiet(client.SubscribeRequest("JOBS"));
  StepClock(-kStep);
  v1::Message message = MakeMessage("JOBS", "do", "1");
  DeliverAt(absl::Now() + absl::Seconds(1), &message);
  client.Publish(message);
  EXPECT_EQ(listener->NextMessage().payload(), "1");

  message.set_payload("2");
  DeliverAt(absl::Now() + kStep / 2, &message);
  client.Publish(message);
  StepClock(kStep);
  EXPECT_EQ(listener->NextMessage().payload(), "2");
}

TEST_F(ClockStep, RetentionGoesOn) {
  const TestClient client(api_.get());
  const auto listener = ListenUntilQuiet(client.SubscribeRequest("JOBS"));
  StepClock(-kStep);
  for (int i = 0; i < 20; ++i) client.Publish("SHORT", "do", absl::StrCat(i));
  v1::ListQueuesRequest request;
  request.set_queue("SHORT");
  EXPECT_TRUE(WaitUntil([&] {
    const auto queues = api_->Get(&v1::Registry::Stub::ListQueues, request);
    return queues.queues_size() == 1 && queues.queues(0).first_sequence() == 16;
  }));
}

TEST_F(ClockStep, TheLibraryKeepsItsLeaseAndConnectsAgain) {
  std::atomic<int> connected{0};
  std::atomic<int> lost{0};
  absl::Notification heard;
  TcpProxy network(nmqd_->port());
  auto idle = Client::Connect({.server = nmqd_->address(), .lease = absl::Seconds(9)});
  ASSERT_TRUE(idle.ok()) << idle.status();
  const std::string session = (*idle)->session();
  auto client = Client::Connect({.server = network.address(), .wait_for_server = kPatience});
  ASSERT_TRUE(client.ok()) << client.status();
  const auto subscription =
      (*client)->Subscribe({.patterns = {{"JOBS", ""}}}, {.on_message = [&](const Message&) { heard.Notify(); },
                                                          .on_state =
                                                              [&](SubscriptionState state, const absl::Status&) {
                                                                connected += state == SubscriptionState::kConnected;
                                                                lost += state == SubscriptionState::kReconnecting;
                                                              }});
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  ASSERT_TRUE(WaitUntil([&] { return connected == 1; }));
  StepClock(-kStep);
  // Longer than its lease, by the clock that does not jump.
  const absl::Duration end = RealClock().Monotonic() + absl::Seconds(12);
  ASSERT_TRUE(WaitUntil([&] { return RealClock().Monotonic() >= end; }));
  EXPECT_EQ(Clients(), 2u) << "who renews its lease is still there";
  EXPECT_EQ((*idle)->session(), session);

  nmqd_->process().Signal(SIGKILL);
  ASSERT_TRUE(nmqd_->process().WaitForExit(kPatience).has_value());
  // It tries in vain, and waits to try again.
  ASSERT_TRUE(WaitUntil([&] { return lost == 1; }));
  StepClock(-kStep);
  nmqd_ = std::make_unique<Nmqd>(flags_);
  network.SetServerPort(nmqd_->port());
  EXPECT_TRUE(WaitUntil([&] { return connected == 2; }));
  const auto published = (*client)->Publish(MakeMessage("JOBS", "do", "1"), {});
  EXPECT_TRUE(published.ok()) << published.status();
  EXPECT_TRUE(heard.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(ClockStep, CallsOfTheLibraryEndAtTheirDeadline) {
  auto client = Client::Connect({.server = nmqd_->address()});
  ASSERT_TRUE(client.ok()) << client.status();
  nmqd_->process().Signal(SIGSTOP);
  absl::Notification answered;
  absl::Status status;
  std::thread caller([&] {
    status = (*client)->Publish(MakeMessage("JOBS", "do", "1"), {.timeout = absl::Seconds(2)}).status();
    answered.Notify();
  });
  StepClock(-kStep);
  EXPECT_TRUE(answered.WaitForNotificationWithTimeout(kPatience));
  nmqd_->process().Signal(SIGKILL);
  caller.join();
  EXPECT_FALSE(status.ok());
}

}  // namespace
}  // namespace nmq::integration

int main(int argc, char** argv) {
  nmq::RunUnderSteppedClock(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
