// The Registry over the wire: filters, pages, counts.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kClients = 350;

// 350 clients: each in one of the rooms room0 to room4, with a label of the same number; every tenth subscribes.
class Crowd : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new TestServer("limits { page_default: 30 page_max: 200 }");
    api_ = new Api(*server_);
    listeners_ = new std::vector<std::unique_ptr<Listener>>();
    for (int i = 0; i < kClients; ++i) {
      v1::ConnectRequest request;
      request.set_name(absl::StrCat("client", i / 2));
      (*request.mutable_labels())["group"] = absl::StrCat(i % 5);
      (*request.mutable_labels())["parity"] = i % 2 == 0 ? "even" : "odd";
      const TestClient client(api_, request);
      client.Join({absl::StrCat("room", i % 5)});
      if (i % 10 != 0) continue;
      v1::SubscribeRequest subscribe =
          client.SubscribeRequest(i % 20 == 0 ? "DB" : "FS.*", i % 20 == 0 ? "CREATE" : "");
      listeners_->push_back(std::make_unique<Listener>(api_, subscribe, absl::Minutes(10)));
    }
    TestClient publisher(api_);
    publisher.Publish("DB", "CREATE", "text");
    publisher.Publish("FS.local", "modify", "text");
    publisher.Publish("NET", "UP", "text");
    publisher.Disconnect();
  }
  static void TearDownTestSuite() {
    delete listeners_;
    delete api_;
    delete server_;
  }

  static uint64_t Count(const v1::ClientFilter& filter) {
    v1::CountClientsRequest request;
    *request.mutable_filter() = filter;
    return api_->Get(&v1::Registry::Stub::CountClients, request).count();
  }
  // All pages of a list of clients.
  static std::vector<v1::ClientInfo> List(v1::ListClientsRequest request, int page_max) {
    std::vector<v1::ClientInfo> clients;
    do {
      const auto page = api_->Get(&v1::Registry::Stub::ListClients, request);
      EXPECT_LE(page.clients_size(), page_max);
      EXPECT_TRUE(page.next_page_token().empty() || page.clients_size() == page_max);
      clients.insert(clients.end(), page.clients().begin(), page.clients().end());
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty() && !HasFailure());
    return clients;
  }

  static TestServer* server_;
  static Api* api_;
  static std::vector<std::unique_ptr<Listener>>* listeners_;
};

TestServer* Crowd::server_ = nullptr;
Api* Crowd::api_ = nullptr;
std::vector<std::unique_ptr<Listener>>* Crowd::listeners_ = nullptr;

TEST_F(Crowd, PagesTogetherHoldEveryClientOnceInTheOrderOfIds) {
  for (const auto& [wanted, page_max] :
       {std::pair(0, 30), std::pair(7, 7), std::pair(200, 200), std::pair(5000, 200)}) {
    v1::ListClientsRequest request;
    request.set_page_size(wanted);
    const std::vector<v1::ClientInfo> clients = List(request, page_max);
    EXPECT_THAT(clients, SizeIs(kClients));
    for (size_t i = 1; i < clients.size(); ++i) EXPECT_LT(clients[i - 1].id(), clients[i].id());
  }
}

TEST_F(Crowd, APageTokenIsAPlaceAndNotASnapshot) {
  v1::ListClientsRequest request;
  request.set_page_size(100);
  const auto first = api_->Get(&v1::Registry::Stub::ListClients, request);
  const TestClient late(api_);
  request.set_page_token(first.next_page_token());
  const auto second = api_->Get(&v1::Registry::Stub::ListClients, request);
  EXPECT_GT(second.clients(0).id(), first.clients(99).id());
  EXPECT_GT(second.revision(), first.revision());
  late.Disconnect();
}

TEST_F(Crowd, ATokenOfAnotherListOrNamespaceIsRefused) {
  v1::ListClientsRequest clients;
  const std::string token = api_->Get(&v1::Registry::Stub::ListClients, clients).next_page_token();
  ASSERT_FALSE(token.empty());
  v1::ListRoomsRequest rooms;
  rooms.set_page_token(token);
  EXPECT_EQ(Summary(api_->Try(&v1::Registry::Stub::ListRooms, rooms)),
            "INVALID_ARGUMENT INVALID_FIELD field=page_token");

  TestServer other("namespace { name: \"shop\" }");
  Api other_api(other);
  clients.set_namespace_("shop");
  clients.set_page_token(token);
  EXPECT_EQ(Summary(other_api.Try(&v1::Registry::Stub::ListClients, clients)),
            "INVALID_ARGUMENT INVALID_FIELD field=page_token");
}

TEST_F(Crowd, FiltersPickAndCombine) {
  struct Row {
    v1::ClientFilter filter;
    uint64_t count;
  };
  std::vector<Row> rows(10);
  rows[0].count = kClients;
  rows[1].filter.set_room("room3");
  rows[1].count = kClients / 5;
  rows[2].filter.set_room("empty");
  rows[2].count = 0;
  (*rows[3].filter.mutable_labels())["group"] = "2";
  rows[3].count = kClients / 5;
  (*rows[4].filter.mutable_labels())["group"] = "2";
  (*rows[4].filter.mutable_labels())["parity"] = "odd";
  rows[4].count = kClients / 10;
  rows[5].filter.set_room("room1");
  (*rows[5].filter.mutable_labels())["group"] = "2";
  rows[5].count = 0;
  rows[6].filter.set_name("client7");
  rows[6].count = 2;
  rows[7].filter.set_queue("DB");
  rows[7].count = 18;
  rows[8].filter.set_queue("FS.local");
  rows[8].filter.set_event("anything");
  rows[8].count = 17;
  rows[9].filter.set_event("CREATE");
  rows[9].count = 35;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.filter.ShortDebugString());
    EXPECT_EQ(Count(row.filter), row.count);
    v1::ListClientsRequest request;
    *request.mutable_filter() = row.filter;
    EXPECT_THAT(List(request, 30), SizeIs(row.count));
  }
}

TEST_F(Crowd, AClientIsShownAsItIs) {
  v1::ListClientsRequest list;
  list.mutable_filter()->set_name("client10");
  (*list.mutable_filter()->mutable_labels())["parity"] = "even";
  const std::vector<v1::ClientInfo> clients = List(list, 30);
  ASSERT_THAT(clients, SizeIs(1));
  v1::GetClientRequest get;
  get.set_client_id(clients[0].id());
  const v1::ClientInfo info = api_->Get(&v1::Registry::Stub::GetClient, get).client();
  EXPECT_EQ(info.ShortDebugString(), clients[0].ShortDebugString());
  EXPECT_EQ(info.namespace_(), "default");
  EXPECT_THAT(info.rooms(), ElementsAre("room0"));
  EXPECT_THAT(info.subscriptions(), SizeIs(1));
  EXPECT_THAT(info.peer(), testing::StartsWith("ipv4:127.0.0.1:"));
  EXPECT_EQ(info.lease().seconds(), 30);
  EXPECT_GT(info.connect_time().seconds(), 0);
  EXPECT_FALSE(info.has_lease_end_time());
  EXPECT_EQ(info.counters().delivered_messages(), 1);
}

TEST_F(Crowd, RoomsAndQueuesAreListedWithTheirNumbers) {
  const auto rooms = api_->Get(&v1::Registry::Stub::ListRooms, v1::ListRoomsRequest()).rooms();
  ASSERT_THAT(rooms, SizeIs(5));
  for (const v1::RoomInfo& room : rooms) EXPECT_EQ(room.members(), kClients / 5);
  v1::ListRoomsRequest one;
  one.set_room("room2");
  EXPECT_THAT(api_->Get(&v1::Registry::Stub::ListRooms, one).rooms(), SizeIs(1));

  v1::ListQueuesRequest paged;
  paged.set_page_size(2);
  const auto first = api_->Get(&v1::Registry::Stub::ListQueues, paged);
  ASSERT_THAT(first.queues(), SizeIs(2));
  EXPECT_EQ(first.queues(0).name(), "DB");
  EXPECT_EQ(first.queues(0).subscriptions(), 18);
  EXPECT_EQ(first.queues(0).first_sequence(), 1);
  EXPECT_EQ(first.queues(0).last_sequence(), 1);
  EXPECT_TRUE(first.queues(0).automatic());
  EXPECT_EQ(first.queues(0).durability(), v1::DURABILITY_LIVE);
  EXPECT_EQ(first.queues(1).name(), "FS.local");
  paged.set_page_token(first.next_page_token());
  const auto second = api_->Get(&v1::Registry::Stub::ListQueues, paged);
  ASSERT_THAT(second.queues(), SizeIs(1));
  EXPECT_EQ(second.queues(0).name(), "NET");
  EXPECT_EQ(second.queues(0).subscriptions(), 0);
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(Crowd, SubscriptionsAreListedByClientQueueAndEvent) {
  auto list = [](const std::string& client, const std::string& queue, const std::string& event) {
    v1::ListSubscriptionsRequest request;
    request.set_client_id(client);
    request.set_queue(queue);
    request.set_event(event);
    request.set_page_size(100);
    return api_->Get(&v1::Registry::Stub::ListSubscriptions, request).subscriptions();
  };
  EXPECT_THAT(list("", "", ""), SizeIs(35));
  EXPECT_THAT(list("", "DB", ""), SizeIs(18));
  EXPECT_THAT(list("", "DB", "DELETE"), IsEmpty());
  EXPECT_THAT(list("", "FS.local", "modify"), SizeIs(17));
  EXPECT_THAT(list("c-nobody", "", ""), IsEmpty());
  const auto all = list("", "DB", "CREATE");
  const v1::SubscriptionInfo& info = all[0];
  EXPECT_THAT(list(info.client_id(), "", ""), SizeIs(1));
  EXPECT_EQ(info.patterns(0).queue(), "DB");
  EXPECT_EQ(info.patterns(0).event(), "CREATE");
  EXPECT_EQ(info.overflow(), v1::OVERFLOW_UNSPECIFIED);
  EXPECT_EQ(info.queues(), 1);
  EXPECT_THAT(info.client_name(), testing::StartsWith("client"));
}

TEST_F(Crowd, TheNamespaceCountsItAll) {
  const v1::NamespaceInfo info = InfoOf(api_);
  EXPECT_EQ(info.clients(), kClients);
  EXPECT_EQ(info.rooms(), 5);
  EXPECT_EQ(info.queues(), 3);
  EXPECT_EQ(info.subscriptions(), 35);
  EXPECT_TRUE(info.automatic_queues());
  EXPECT_EQ(info.counters().published_messages(), 3);
}

TEST(Registry, ManyNamespacesComeInPages) {
  std::string config = "limits { page_default: 40 }";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&config, " namespace { name: \"n", i, "\" }");
  TestServer server(config);
  Api api(server);
  v1::ListNamespacesRequest request;
  std::set<std::string> names;
  int pages = 0;
  do {
    const auto page = api.Get(&v1::Registry::Stub::ListNamespaces, request);
    for (const v1::NamespaceInfo& info : page.namespaces()) EXPECT_TRUE(names.insert(info.name()).second);
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(names, SizeIs(101));  // and "default"
  EXPECT_EQ(pages, 3);
}

TEST(Registry, APageEndsEarlyWhenItIsLarge) {
  TestServer server("limits { labels: 64 header_value_bytes: 65536 page_default: 1000 }");
  Api api(server);
  v1::ConnectRequest request;
  for (int i = 0; i < 4; ++i) (*request.mutable_labels())[absl::StrCat("label", i)] = std::string(60'000, 'v');
  for (int i = 0; i < 10; ++i) TestClient client(&api, request);
  const auto page = api.Get(&v1::Registry::Stub::ListClients, v1::ListClientsRequest());
  EXPECT_THAT(page.clients(), SizeIs(4));
  EXPECT_LE(page.ByteSizeLong(), 1 << 20);
  EXPECT_FALSE(page.next_page_token().empty());
}

TEST(Registry, TheLagOfASlowSubscriptionCanBeSeen) {
  TestServer server("limits { in_flight_bytes: 4096 }");
  Api api(server);
  Api publishing(server);
  const TestClient client(&api);
  const TestClient publisher(&publishing);
  auto listener = client.Subscribe("DB");
  for (int i = 0; i < 300; ++i) publisher.Publish("DB", "E", std::string(1000, 'x'));
  v1::ListSubscriptionsRequest request;
  const auto list = publishing.Get(&v1::Registry::Stub::ListSubscriptions, request);
  EXPECT_GT(list.subscriptions(0).lag_messages(), 100);
  EXPECT_LT(list.subscriptions(0).lag_messages(), 300);
  EXPECT_GT(list.subscriptions(0).in_flight_bytes(), 0);
  EXPECT_LE(list.subscriptions(0).in_flight_bytes(), 4096);
  for (int i = 0; i < 300; ++i) listener->NextMessage();
  EXPECT_TRUE(WaitUntil([&] {
    const auto now = publishing.Get(&v1::Registry::Stub::ListSubscriptions, request);
    return now.subscriptions(0).lag_messages() == 0 && now.subscriptions(0).in_flight_bytes() == 0;
  }));
}

}  // namespace
}  // namespace nmq::integration
