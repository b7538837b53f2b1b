// Servers that stop while everything is going on.
#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/deadline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

// Calls of every kind, whatever they answer, until told to stop.
void CallAlways(const std::string& address, const std::atomic<bool>& stop) {
  Api api(address);
  auto context = [] {
    auto short_context = NewContext(absl::Seconds(5));
    short_context->set_wait_for_ready(false);
    return short_context;
  };
  for (int i = 0; !stop; ++i) {
    v1::ConnectResponse connected;
    if (!api.queue().Connect(context().get(), v1::ConnectRequest(), &connected).ok()) continue;
    v1::SubscribeRequest subscribe;
    subscribe.set_session(connected.session());
    subscribe.add_patterns()->set_queue("**");
    subscribe.add_rooms("A");
    auto subscribe_context = context();
    auto subscription = api.queue().Subscribe(subscribe_context.get(), subscribe);
    v1::SubscribeResponse frame;
    subscription->Read(&frame);
    v1::PublishRequest publish;
    publish.set_session(connected.session());
    *publish.mutable_message() = ForRooms(MakeMessage("DB", "E", "text"), {"A"});
    v1::PublishResponse published;
    api.queue().Publish(context().get(), publish, &published);
    v1::ListClientsResponse list;
    api.registry().ListClients(context().get(), v1::ListClientsRequest(), &list);
    if (i % 2 == 0) subscription->Read(&frame);
    v1::DisconnectRequest disconnect;
    disconnect.set_session(connected.session());
    v1::DisconnectResponse disconnected;
    if (i % 3 == 0) api.queue().Disconnect(context().get(), disconnect, &disconnected);
    subscribe_context->TryCancel();
    subscription->Finish();
  }
}

TEST(Stop, ServersThatNobodyUsesStopAtOnce) {
  std::vector<absl::Duration> times;
  for (int i = 0; i < 100; ++i) {
    TestServer server;
    const absl::Duration start = RealClock().Monotonic();
    server.Stop();
    times.push_back(RealClock().Monotonic() - start);
  }
  // The others may have had a busy machine.
  std::sort(times.begin(), times.end());
  EXPECT_LT(times[times.size() / 2], absl::Milliseconds(200)) << "less than a server waits for a stream";
}

TEST(Stop, CallsOfAllKindsAreNoTrouble) {
  for (int round = 0; round < 15; ++round) {
    auto server = std::make_unique<TestServer>();
    Api api(*server);
    std::atomic<bool> stop{false};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i) callers.emplace_back([&] { CallAlways(server->address(), stop); });
    const TestClient client(&api);
    EXPECT_TRUE(WaitUntil([&] { return InfoOf(&api).counters().published_messages() > 20; }));
    const Deadline deadline = Deadline::In(kPatience);
    server->Stop(absl::Milliseconds(10 * round));
    EXPECT_FALSE(deadline.IsOver());
    stop = true;
    for (std::thread& caller : callers) caller.join();
  }
}

TEST(Stop, ChannelsFindTheNextServerOfTheSameAddress) {
  auto first = std::make_unique<TestServer>();
  const std::string address = first->address();
  Api api(address);
  const std::string session = TestClient(&api).session();
  first.reset();
  TestServer second(TestServer::Options{.listen = address});
  // The first call may still end in the connection that is gone.
  v1::ConnectResponse connected;
  EXPECT_TRUE(
      WaitUntil([&] { return api.Call(&v1::MessageQueue::Stub::Connect, v1::ConnectRequest(), &connected).ok(); }));
  v1::JoinRequest join;
  join.set_session(session);
  join.add_rooms("A");
  EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Join, join)), "NOT_FOUND SESSION_UNKNOWN");
}

// Over HTTP/2 without gRPC's server, which cannot promise this.
TEST(Stop, CallsThatComeAtTheEndGoToTheNextServer) {
  const TestServer::Options options = {.transport = "http2"};
  auto server = std::make_unique<TestServer>(options);
  TestServer::Options same = options;
  same.listen = server->address();
  // Hears of the end only when it has something to say again.
  Api silent(same.listen);
  const TestClient silent_client(&silent);
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::vector<std::map<std::string, int>> outcomes(3);
  std::vector<std::thread> callers;
  for (auto& outcome : outcomes) {
    callers.emplace_back([&] {
      Api api(same.listen);
      for (; !stop; ++calls) ++outcome[Summary(api.Try(&v1::MessageQueue::Stub::Connect, v1::ConnectRequest()))];
    });
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(WaitUntil([&, enough = calls + 50] { return calls >= enough; }));
    server->Stop();
    server = std::make_unique<TestServer>(same);
    EXPECT_EQ(Summary(silent.Try(&v1::MessageQueue::Stub::Connect, v1::ConnectRequest())), "OK");
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  for (const auto& outcome : outcomes) {
    EXPECT_THAT(outcome, testing::Contains(testing::Pair("OK", testing::Gt(0))));
    EXPECT_THAT(outcome, testing::Each(testing::Key(testing::AnyOf("OK", "UNAVAILABLE DRAINING retry=1s"))));
  }
}

}  // namespace
}  // namespace nmq::integration
