// What the original @nmq/q module did wrong, as what does not happen here.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

std::vector<std::string> Numbers(int from, int to) {
  std::vector<std::string> numbers;
  for (int i = from; i < to; ++i) numbers.push_back(absl::StrCat(i));
  return numbers;
}

std::set<std::string> NamespaceNames(Api* api) {
  std::set<std::string> names;
  const auto list = api->Get(&v1::Registry::Stub::ListNamespaces, v1::ListNamespacesRequest());
  for (const v1::NamespaceInfo& info : list.namespaces()) names.insert(info.name());
  return names;
}

TEST(OriginalDefect, ManySubscriptionsShareOneConnection) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 50; ++i) listeners.push_back(client.Subscribe("DB", absl::StrCat("event", i)));
  EXPECT_EQ(ConnectionsTo(server.port()), 1);

  for (int i = 0; i < 50; ++i) client.Publish("DB", absl::StrCat("event", i), absl::StrCat(i));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(listeners[i]->NextMessage().payload(), absl::StrCat(i));
  EXPECT_EQ(ConnectionsTo(server.port()), 1);

  std::set<std::string> peers;
  const auto subscriptions = api.Get(&v1::Registry::Stub::ListSubscriptions, v1::ListSubscriptionsRequest());
  EXPECT_EQ(subscriptions.subscriptions_size(), 50);
  for (const v1::SubscriptionInfo& info : subscriptions.subscriptions()) peers.insert(info.peer());
  EXPECT_EQ(peers.size(), 1);
}

TEST(OriginalDefect, SubscribingToTheSameEventAgainAndAgainLeaksNothing) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  for (int i = 0; i < 200; ++i) client.Subscribe("DB", "CREATE");  // and cancel
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api).subscriptions() == 0; }));
  EXPECT_EQ(ConnectionsTo(server.port()), 1);
  v1::GetClientRequest request;
  request.set_client_id(client.id());
  EXPECT_THAT(api.Get(&v1::Registry::Stub::GetClient, request).client().subscriptions(), IsEmpty());

  // The one that is there hears each message once.
  auto listener = client.Subscribe("DB", "CREATE");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.PublishAndCount(MakeMessage("DB", "CREATE", absl::StrCat(i))), 1);
  client.Publish("DB", "CREATE", "last");
  EXPECT_THAT(listener->PayloadsUpTo("last"), ElementsAre("0", "1", "2", "last"));
}

TEST(OriginalDefect, TheFirstPublishAfterSubscribingIsHeard) {
  TestServer server;
  for (int round = 0; round < 20; ++round) {
    Api api(server);
    const TestClient client(&api);
    auto listener = client.Subscribe("DB", absl::StrCat("round", round));
    for (int i = 0; i < 3; ++i) client.Publish("DB", absl::StrCat("round", round), absl::StrCat(i));
    EXPECT_THAT(listener->Payloads(3), ElementsAre("0", "1", "2"));
  }
}

TEST(OriginalDefect, TheFirstPublishOfAConnectionIsHeard) {
  TestServer server;
  Api api(server);
  auto listener = TestClient(&api).Subscribe("DB");
  for (int i = 0; i < 20; ++i) {
    Api publisher(server);
    v1::PublishRequest request;
    *request.mutable_message() = MakeMessage("DB", "CREATE", absl::StrCat(i));
    publisher.Get(&v1::MessageQueue::Stub::Publish, request);
  }
  EXPECT_THAT(listener->Payloads(20), ElementsAreArray(Numbers(0, 20)));
}

TEST(OriginalDefect, ASubscriptionGoesOnAfterAReconnect) {
  TestServer server;
  Api steady(server);
  const TestClient publisher(&steady);
  TcpProxy proxy(server.port());
  Api api(proxy.address());
  const TestClient client(&api);
  client.Join({"room"});
  auto listener = client.Subscribe("DB", "CREATE");
  publisher.Publish("DB", "CREATE", "before");
  EXPECT_EQ(listener->NextMessage().payload(), "before");
  proxy.Cut();
  publisher.Publish("DB", "CREATE", "between");
  publisher.Publish(ForRooms(MakeMessage("DB", "CREATE", "between, room"), {"room"}));
  EXPECT_EQ(listener->End().error_code(), grpc::StatusCode::UNAVAILABLE);

  EXPECT_THAT(client.Reconnect().rooms(), ElementsAre("room"));
  v1::SubscribeRequest request = client.SubscribeRequest("DB", "CREATE");
  *request.mutable_start() = listener->Resume();
  auto second = client.Subscribe(request);
  publisher.Publish("DB", "CREATE", "after");
  EXPECT_THAT(second->PayloadsUpTo("after"), ElementsAre("between", "between, room", "after"));
}

TEST(OriginalDefect, PublishesKeepTheirOrder) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  auto listener = client.Subscribe("DB");
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(client.Publish("DB", i % 2 == 0 ? "CREATE" : "DELETE", absl::StrCat(i)).sequence(), i + 1);
  }
  EXPECT_THAT(listener->Payloads(500), ElementsAreArray(Numbers(0, 500)));
}

TEST(OriginalDefect, PublishesOverConnectionsOfTheirOwnKeepTheirOrder) {
  TestServer server;
  Api api(server);
  auto listener = TestClient(&api).Subscribe("DB");
  for (int i = 0; i < 50; ++i) TestClient(std::make_unique<Api>(server).get()).Publish("DB", "CREATE", absl::StrCat(i));
  EXPECT_THAT(listener->Payloads(50), ElementsAreArray(Numbers(0, 50)));
}

TEST(OriginalDefect, WhatNobodyCouldEverHearIsRefused) {
  TestServer server(kShopConfig);
  Api api(server);
  const TestClient client(&api, "shop");
  auto publish = [&](const std::string& queue, const std::string& event) {
    v1::PublishRequest request;
    request.set_session(client.session());
    *request.mutable_message() = MakeMessage(queue, event, "");
    return api.Try(&v1::MessageQueue::Stub::Publish, request);
  };
  const grpc::Status unknown_queue = publish("NET", "UP");
  EXPECT_EQ(Summary(unknown_queue), "NOT_FOUND QUEUE_NOT_FOUND namespace=shop queue=NET");
  EXPECT_THAT(unknown_queue.error_message(), testing::HasSubstr("\"NET\""));
  const grpc::Status unknown_event = publish("DB", "UPDATE");
  EXPECT_EQ(Summary(unknown_event), "NOT_FOUND EVENT_NOT_FOUND event=UPDATE queue=DB");
  EXPECT_THAT(unknown_event.error_message(), testing::HasSubstr("only CREATE, DELETE"));
  EXPECT_EQ(Summary(publish("DB", "")), "INVALID_ARGUMENT INVALID_FIELD field=event");
  EXPECT_EQ(Summary(publish("", "CREATE")), "INVALID_ARGUMENT INVALID_FIELD field=queue");
  EXPECT_EQ(Summary(publish("DB", "CREATE")), "OK");
  EXPECT_EQ(InfoOf(&api, "shop").counters().published_messages(), 1);
  EXPECT_EQ(InfoOf(&api, "shop").queues(), 2);
}

TEST(OriginalDefect, SubscribingToWhatIsNotThereIsRefusedAndLeavesNothingBehind) {
  TestServer server(kShopConfig);
  Api api(server);
  const TestClient client(&api, "shop");
  EXPECT_EQ(Summary(Listener(&api, client.SubscribeRequest("NET")).End()),
            "NOT_FOUND QUEUE_NOT_FOUND namespace=shop queue=NET");
  EXPECT_EQ(Summary(Listener(&api, client.SubscribeRequest("DB", "UPDATE")).End()),
            "NOT_FOUND EVENT_NOT_FOUND event=UPDATE queue=DB");
  EXPECT_EQ(InfoOf(&api, "shop").subscriptions(), 0);
}

TEST(OriginalDefect, PublishingMakesNoNamespace) {
  TestServer server;
  Api api(server);
  for (int i = 0; i < 200; ++i) {
    v1::PublishRequest request;
    request.set_namespace_(absl::StrCat("ghost", i));
    *request.mutable_message() = MakeMessage("DB", "CREATE", "");
    EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Publish, request)),
              absl::StrCat("NOT_FOUND NAMESPACE_NOT_FOUND namespace=ghost", i));
  }
  EXPECT_THAT(NamespaceNames(&api), ElementsAre("default"));
  v1::ConnectRequest connect;
  connect.set_namespace_("ghost1");
  EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Connect, connect)),
            "NOT_FOUND NAMESPACE_NOT_FOUND namespace=ghost1");
}

TEST(OriginalDefect, AskingWhoListensWhenNobodyDoesIsAnEmptyAnswer) {
  TestServer server;
  Api api(server);
  v1::ListClientsRequest clients;
  clients.mutable_filter()->set_queue("DB");
  clients.mutable_filter()->set_event("CREATE");
  EXPECT_THAT(api.Get(&v1::Registry::Stub::ListClients, clients).clients(), IsEmpty());
  v1::ListSubscriptionsRequest subscriptions;
  subscriptions.set_queue("DB");
  EXPECT_THAT(api.Get(&v1::Registry::Stub::ListSubscriptions, subscriptions).subscriptions(), IsEmpty());
}

TEST(OriginalDefect, AnEndedSubscriptionHearsNothingMoreAndCountsNoMore) {
  TestServer server;
  Api api(server);
  const TestClient client(&api);
  auto kept = client.Subscribe("DB");
  auto ended = client.Subscribe("DB");
  EXPECT_EQ(client.PublishAndCount(MakeMessage("DB", "CREATE", "1")), 2);
  ended->Cancel();
  EXPECT_EQ(Summary(ended->End()), "CANCELLED");
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api).subscriptions() == 1; }));
  EXPECT_EQ(client.PublishAndCount(MakeMessage("DB", "CREATE", "2")), 1);
  EXPECT_THAT(kept->Payloads(2), ElementsAre("1", "2"));
}

}  // namespace
}  // namespace nmq::integration
