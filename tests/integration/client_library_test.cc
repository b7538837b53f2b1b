// The C++ client against a real server: what it promises about broken connections and restarts.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/errors.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

// What a subscription hears, for the test's thread.
class Heard {
 public:
  SubscriptionHandler Handler() {
    SubscriptionHandler handler;
    handler.on_message = [this](const Message& message) {
      MutexLock lock(&mu_);
      payloads_.push_back(message.payload());
    };
    handler.on_gap = [this](const Gap& gap) {
      MutexLock lock(&mu_);
      payloads_.push_back(absl::StrCat("gap: ", v1::GapReason_Name(gap.reason())));
    };
    return handler;
  }
  std::vector<std::string> WaitFor(size_t count) {
    EXPECT_TRUE(WaitUntil([&] {
      MutexLock lock(&mu_);
      return payloads_.size() >= count;
    }));
    MutexLock lock(&mu_);
    return payloads_;
  }

 private:
  Mutex mu_;
  std::vector<std::string> payloads_ ABSL_GUARDED_BY(mu_);
};

ClientOptions At(const std::string& address) {
  ClientOptions options;
  options.server = address;
  options.backoff.initial = absl::Milliseconds(10);
  options.backoff.max = absl::Milliseconds(100);
  options.wait_for_server = absl::Seconds(20);
  return options;
}

TEST(ClientLibrary, AMessageThatIsTooLargeToBeReceivedIsRefusedAndOthersAreNot) {
  TestServer server;
  ClientOptions options = At(server.address());
  options.lazy = true;
  options.publish_with_session = false;  // so that it hears of no limits
  auto client = Client::Connect(options);
  ASSERT_TRUE(client.ok()) << client.status();
  std::vector<BatchResult> results;
  const auto publisher =
      (*client)->NewPublisher({.on_result = [&results](const BatchResult& result) { results.push_back(result); }});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(publisher->Add(nmq::MakeMessage("DB", "CREATE", std::string(i == 1 ? 20'000'000 : 10, 'x'))).ok());
    if (i == 0) publisher->Flush();
  }
  const FlushResult flushed = publisher->Flush();
  EXPECT_EQ(flushed.status.code(), absl::StatusCode::kResourceExhausted) << flushed.status;
  EXPECT_EQ(flushed.refused, 1);
  EXPECT_EQ(flushed.unknown, 0);
  EXPECT_EQ(flushed.accepted, 1);
  ASSERT_EQ(results.size(), 3);
  std::sort(results.begin(), results.end(),
            [](const BatchResult& a, const BatchResult& b) { return a.first_message < b.first_message; });
  EXPECT_EQ(results[1].outcome, BatchOutcome::kRefused);
}

TEST(ClientLibrary, SubscriptionsOfAClientShareItsConnection) {
  TestServer server;
  auto client = Client::Connect(At(server.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  Heard heard;
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (int i = 0; i < 10; ++i) {
    auto subscription = (*client)->Subscribe({.patterns = {{"DB", absl::StrCat("event", i)}}}, heard.Handler());
    ASSERT_TRUE(subscription.ok()) << subscription.status();
    subscriptions.push_back(*std::move(subscription));
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE((*client)->Publish(nmq::MakeMessage("DB", absl::StrCat("event", i), absl::StrCat(i))).ok());
  }
  EXPECT_EQ(heard.WaitFor(10).size(), 10);
  EXPECT_EQ(ConnectionsTo(server.port()), 1);
}

TEST(ClientLibrary, BriefCallbacksOfManySubscriptionsHearEverythingInOrder) {
  constexpr int kSubscriptions = 30;
  constexpr int kMessages = 300;
  TestServer server;
  auto client = Client::Connect(At(server.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  std::vector<Heard> heard(kSubscriptions);
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  for (Heard& one : heard) {
    auto subscription = (*client)->Subscribe({.patterns = {{"DB", "*"}}, .brief_callbacks = true}, one.Handler());
    ASSERT_TRUE(subscription.ok()) << subscription.status();
    subscriptions.push_back(*std::move(subscription));
  }
  std::vector<std::string> published;
  for (int i = 0; i < kMessages; ++i) {
    published.push_back(absl::StrCat(i));
    ASSERT_TRUE((*client)->Publish(nmq::MakeMessage("DB", "E", published.back())).ok());
    // Some go while others hear.
    if (i % 20 == 10) subscriptions.pop_back();
  }
  for (size_t i = 0; i < subscriptions.size(); ++i) EXPECT_EQ(heard[i].WaitFor(kMessages), published);
}

TEST(ClientLibrary, PublishesOnceUnderARequestIdAndOnlyWhereItIsExpected) {
  TestServer server;
  auto client = Client::Connect(At(server.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  Message message = nmq::MakeMessage("DB", "E", "text");
  message.set_request_id("once");
  for (const bool again : {false, true}) {
    const absl::StatusOr<PublishResult> result = (*client)->Publish(message);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->sequence, 1);
    EXPECT_EQ(result->duplicate, again);
    EXPECT_EQ(result->storage, v1::STORAGE_MEMORY);
  }
  const Message next = nmq::MakeMessage("DB", "E", "next");
  const absl::Status mismatch = (*client)->Publish(next, {.expected_last_sequence = 0}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(mismatch)) << mismatch;
  EXPECT_EQ(ReasonOf(mismatch), "SEQUENCE_MISMATCH");
  const absl::StatusOr<PublishResult> expected = (*client)->Publish(next, {.expected_last_sequence = 1});
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_EQ(expected->sequence, 2);
}

TEST(ClientLibrary, ASubscriptionGoesOnAfterABrokenConnectionAndMissesNothing) {
  TestServer server;
  TcpProxy proxy(server.port());
  Api steady(server);
  const TestClient publisher(&steady);
  auto client = Client::Connect(At(proxy.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Join({"A"}).ok());
  const std::string id = (*client)->client_id();
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"DB", ""}}}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(absl::StrCat("before ", i));
    publisher.Publish("DB", "E", expected.back());
    proxy.Cut();
    expected.push_back(absl::StrCat("between ", i));
    publisher.Publish(ForRooms(integration::MakeMessage("DB", "E", expected.back()), {"A"}));
    EXPECT_THAT(heard.WaitFor(expected.size()), testing::ElementsAreArray(expected));
  }
  EXPECT_EQ((*client)->client_id(), id);
  EXPECT_GE((*subscription)->counts().reconnects, 10);
  EXPECT_EQ((*subscription)->counts().gaps, 0);
}

TEST(ClientLibrary, ASubscriptionGoesOnAfterARestartAndIsToldOfTheGap) {
  auto server = std::make_unique<TestServer>();
  TcpProxy proxy(server->port());
  auto client = Client::Connect(At(proxy.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE((*client)->Join({"A"}).ok());
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"DB", ""}}}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  ASSERT_TRUE((*client)->Publish(nmq::MakeMessage("DB", "E", "1")).ok());
  heard.WaitFor(1);

  TestServer next;
  proxy.SetServerPort(next.port());
  server.reset();
  Api api(next);
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api).subscriptions() == 1 && InfoOf(&api).rooms() == 1; }));
  TestClient(&api).Publish(ForRooms(integration::MakeMessage("DB", "E", "2"), {"A"}));
  EXPECT_THAT(heard.WaitFor(3), ElementsAre("1", "gap: GAP_REASON_EPOCH_CHANGED", "2"));
}

// Threads of this process.
size_t Threads() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(ClientLibrary, AThousandSubscriptionsOnOneThreadResumeWhereTheyWere) {
  constexpr size_t kClients = 10;
  constexpr size_t kEach = 100;
  TestServer server;
  TcpProxy proxy(server.port());
  Api steady(server);
  const TestClient publisher(&steady);
  publisher.Publish("DB", "E", "0");
  const auto thread = std::make_shared<SubscriptionThread>();
  std::set<std::thread::id> threads;
  std::atomic<uint64_t> heard = 0;
  std::atomic<uint64_t> wrong = 0;
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < kClients; ++i) {
    auto client = Client::Connect(At(proxy.address()));
    ASSERT_TRUE(client.ok()) << client.status();
    clients.push_back(*std::move(client));
  }
  std::vector<std::unique_ptr<Subscription>> subscriptions;
  std::vector<uint64_t> next(kClients * kEach, 2);
  const size_t before = Threads();
  for (size_t i = 0; i < kClients * kEach; ++i) {
    auto subscription = clients[i % kClients]->Subscribe({.patterns = {{"DB", ""}}, .thread = thread},
                                                         {.on_message = [&, i](const Message& message) {
                                                           threads.insert(std::this_thread::get_id());
                                                           if (message.sequence() != next[i]++) ++wrong;
                                                           ++heard;
                                                         }});
    ASSERT_TRUE(subscription.ok()) << subscription.status();
    subscriptions.push_back(*std::move(subscription));
  }
  // gRPC has some for all, and a client has one.
  EXPECT_LT(Threads(), before + 2 * kClients);
  for (uint64_t i = 1; i <= 3; ++i) {
    publisher.Publish("DB", "E", "x");
    proxy.Cut();
    publisher.Publish("DB", "E", "y");
    EXPECT_TRUE(WaitUntil([&] { return heard == 2 * i * kClients * kEach; })) << heard;
  }
  EXPECT_EQ(wrong, 0u);
  for (const auto& subscription : subscriptions) {
    EXPECT_GE(subscription->counts().reconnects, 3u);
    EXPECT_EQ(subscription->counts().gaps, 0u);
  }
  subscriptions.clear();
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_TRUE(WaitUntil([&] { return InfoOf(&steady).subscriptions() == 0; }));
}

TEST(ClientLibrary, ASlowHandlerOnASharedThreadLeavesTheRestToTheServer) {
  constexpr uint64_t kMessages = 2000;
  TestServer server;
  Api api(server);
  auto client = Client::Connect(At(server.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Notification called;
  absl::Notification released;
  std::atomic<uint64_t> heard = 0;
  auto slow = (*client)->Subscribe({.patterns = {{"DB", ""}}, .thread = std::make_shared<SubscriptionThread>()},
                                   {.on_message = [&](const Message&) {
                                     if (heard++ == 0) called.Notify();
                                     released.WaitForNotification();
                                   }});
  std::atomic<uint64_t> others = 0;
  auto quick = (*client)->Subscribe({.patterns = {{"DB", ""}}}, {.on_message = [&](const Message&) { ++others; }});
  ASSERT_TRUE(slow.ok() && quick.ok()) << slow.status() << quick.status();
  const std::string payload(16 << 10, 'x');
  ASSERT_TRUE((*client)->Publish(nmq::MakeMessage("DB", "E", payload)).ok());
  called.WaitForNotification();
  const auto publisher = (*client)->NewPublisher();
  for (uint64_t i = 1; i < kMessages; ++i) ASSERT_TRUE(publisher->Add(nmq::MakeMessage("DB", "E", payload)).ok());
  EXPECT_EQ(publisher->Flush().accepted, kMessages - 1);
  // By then the other one had its chances, too.
  EXPECT_TRUE(WaitUntil([&] { return others == kMessages; }));
  const auto subscriptions = api.Get(&v1::Registry::Stub::ListSubscriptions, v1::ListSubscriptionsRequest());
  for (const v1::SubscriptionInfo& info : subscriptions.subscriptions()) {
    if (info.id() == (*slow)->id()) EXPECT_GT(info.lag_messages(), kMessages / 2) << info.DebugString();
  }
  EXPECT_EQ(subscriptions.subscriptions_size(), 2);
  EXPECT_EQ(heard, 1u);
  released.Notify();
  EXPECT_TRUE(WaitUntil([&] { return heard == kMessages; }));
}

TEST(ClientLibrary, APublisherKeepsItsOrderAndItsCounts) {
  TestServer server;
  auto client = Client::Connect(At(server.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  Api api(server);
  auto listener = TestClient(&api).Subscribe("DB");
  auto publisher = (*client)->NewPublisher({.max_batch_messages = 50});
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(publisher->Add(nmq::MakeMessage("DB", "E", absl::StrCat(i))).ok());
  }
  const FlushResult flushed = publisher->Flush(kPatience);
  EXPECT_TRUE(flushed.status.ok()) << flushed.status;
  EXPECT_EQ(flushed.accepted, 2000);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(listener->NextMessage().payload(), absl::StrCat(i));
}

}  // namespace
}  // namespace nmq::integration
