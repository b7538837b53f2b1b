#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kTwo[] = R"(
  namespace { name: "one" queue { name: "DB" event: "b" event: "a" retention { messages: 9 } } queue { name: "FS" } }
  namespace { name: "two" automatic_queues: true }
)";

// The names on all pages of a list, each page of `page_size`; `list` is a method, `entries` its list of entries.
template <typename Request, typename Response, typename Entries>
std::vector<std::vector<std::string>> Pages(const Registry& registry, Request request, uint32_t page_size,
                                            absl::Status (Registry::*list)(const Call&, const Request&, Response*)
                                                const,
                                            Entries entries) {
  std::vector<std::vector<std::string>> pages;
  request.set_page_size(page_size);
  do {
    Response response;
    const absl::Status status = (registry.*list)(TestCall(), request, &response);
    EXPECT_TRUE(status.ok()) << status;
    pages.emplace_back();
    for (const auto& entry : entries(response)) pages.back().push_back(entry);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return pages;
}

std::vector<std::vector<std::string>> RoomPages(const World& world, v1::ListRoomsRequest request, uint32_t page_size) {
  return Pages(world.registry(), request, page_size, &Registry::ListRooms, [](const v1::ListRoomsResponse& response) {
    std::vector<std::string> names;
    for (const auto& room : response.rooms()) names.push_back(room.name());
    return names;
  });
}

std::vector<std::string> ClientsWhere(const World& world, const v1::ClientFilter& filter,
                                      const std::string& name_space = "") {
  v1::ListClientsRequest request;
  request.set_namespace_(name_space);
  *request.mutable_filter() = filter;
  v1::ListClientsResponse response;
  const absl::Status status = world.registry().ListClients(TestCall(), request, &response);
  EXPECT_TRUE(status.ok()) << status;
  std::vector<std::string> ids;
  for (const auto& client : response.clients()) ids.push_back(client.id());
  v1::CountClientsRequest count;
  count.set_namespace_(name_space);
  *count.mutable_filter() = filter;
  v1::CountClientsResponse counted;
  EXPECT_TRUE(world.registry().CountClients(TestCall(), count, &counted).ok());
  EXPECT_EQ(counted.count(), ids.size());
  return ids;
}

v1::ClientInfo GetClient(const World& world, const Member& member) {
  v1::GetClientRequest request;
  request.set_client_id(member.id);
  v1::GetClientResponse response;
  const absl::Status status = world.registry().GetClient(TestCall(), request, &response);
  EXPECT_TRUE(status.ok()) << status;
  return response.client();
}

TEST(ListNamespaces, ShowsThemInOrderWithTheirCounters) {
  World world(kTwo);
  const Member member = world.Connect("two", {"r1", "r2"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({}, "two").ok());
  listener->HearAll();
  v1::ListNamespacesResponse response;
  ASSERT_TRUE(world.registry().ListNamespaces(TestCall(), {}, &response).ok());
  ASSERT_EQ(response.namespaces_size(), 3);
  EXPECT_EQ(response.namespaces(0).name(), "default");
  EXPECT_TRUE(response.namespaces(0).automatic_queues());
  EXPECT_EQ(response.namespaces(1).name(), "one");
  EXPECT_EQ(response.namespaces(1).queues(), 2u);
  EXPECT_FALSE(response.namespaces(1).automatic_queues());
  const v1::NamespaceInfo& two = response.namespaces(2);
  EXPECT_EQ(two.clients(), 1u);
  EXPECT_EQ(two.rooms(), 2u);
  EXPECT_EQ(two.queues(), 1u);
  EXPECT_EQ(two.subscriptions(), 1u);
  EXPECT_EQ(two.counters().published_messages(), 1u);
  EXPECT_EQ(two.counters().delivered_messages(), 1u);
  EXPECT_EQ(response.revision(), world.broker().changes().revision());
}

TEST(ListNamespaces, ComesInPages) {
  World world(kTwo);
  const auto pages = Pages(world.registry(), v1::ListNamespacesRequest(), 2, &Registry::ListNamespaces,
                           [](const v1::ListNamespacesResponse& response) {
                             std::vector<std::string> names;
                             for (const auto& name_space : response.namespaces()) names.push_back(name_space.name());
                             return names;
                           });
  EXPECT_THAT(pages, ElementsAre(ElementsAre("default", "one"), ElementsAre("two")));
}

TEST(ListQueues, ShowsWhatAQueueIsAndHolds) {
  World world(kTwo);
  const Member member = world.Connect("one");
  auto listener = world.Listen(member, {{"DB", ""}});
  ASSERT_TRUE(world.Publish({.event = "a"}, "one").ok());
  listener->HearAll();
  v1::ListQueuesRequest request;
  request.set_namespace_("one");
  v1::ListQueuesResponse response;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), request, &response).ok());
  ASSERT_EQ(response.queues_size(), 2);
  const v1::QueueInfo& queue = response.queues(0);
  EXPECT_EQ(queue.namespace_(), "one");
  EXPECT_EQ(queue.name(), "DB");
  EXPECT_EQ(queue.durability(), v1::DURABILITY_LIVE);
  EXPECT_THAT(queue.events(), ElementsAre("a", "b"));
  EXPECT_EQ(queue.retention().messages(), 9u);
  EXPECT_EQ(queue.retention().bytes(), uint64_t{64} << 20);
  EXPECT_EQ(queue.retention().age().seconds(), 120);
  EXPECT_FALSE(queue.automatic());
  EXPECT_GT(queue.epoch(), 0u);
  EXPECT_EQ(queue.first_sequence(), 1u);
  EXPECT_EQ(queue.last_sequence(), 1u);
  EXPECT_GT(queue.bytes(), 0u);
  EXPECT_EQ(queue.subscriptions(), 1u);
  EXPECT_EQ(queue.counters().published_messages(), 1u);
  EXPECT_EQ(queue.counters().delivered_messages(), 1u);
  EXPECT_EQ(response.queues(1).first_sequence(), 1u);
  EXPECT_EQ(response.queues(1).last_sequence(), 0u);
  EXPECT_EQ(response.queues(1).subscriptions(), 0u);
}

TEST(ListQueues, FiltersByPattern) {
  World world;
  for (const char* queue : {"app.a", "app.b", "app.b.c", "db"}) ASSERT_TRUE(world.Publish({.queue = queue}).ok());
  auto names = [&](const std::string& pattern) {
    v1::ListQueuesRequest request;
    request.set_queue(pattern);
    v1::ListQueuesResponse response;
    EXPECT_TRUE(world.registry().ListQueues(TestCall(), request, &response).ok());
    std::vector<std::string> queues;
    for (const auto& queue : response.queues()) queues.push_back(queue.name());
    return queues;
  };
  EXPECT_THAT(names(""), ElementsAre("app.a", "app.b", "app.b.c", "db"));
  EXPECT_THAT(names("app.*"), ElementsAre("app.a", "app.b"));
  EXPECT_THAT(names("app.**"), ElementsAre("app.a", "app.b", "app.b.c"));
  EXPECT_THAT(names("db"), ElementsAre("db"));
  EXPECT_THAT(names("nothing"), IsEmpty());
  v1::ListQueuesRequest request;
  request.set_queue("a*");
  v1::ListQueuesResponse response;
  const absl::Status status = world.registry().ListQueues(TestCall(), request, &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "queue");
}

TEST(ListRooms, ShowsMembersAndWhenTheRoomWasMade) {
  World world;
  world.Connect("", {"red"});
  world.clock().Advance(absl::Seconds(10));
  world.Connect("", {"red", "blue"});
  v1::ListRoomsResponse response;
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), {}, &response).ok());
  ASSERT_EQ(response.rooms_size(), 2);
  EXPECT_EQ(response.rooms(0).name(), "blue");
  EXPECT_EQ(response.rooms(0).namespace_(), "default");
  EXPECT_EQ(response.rooms(1).members(), 2u);
  EXPECT_EQ(response.rooms(1).create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(response.rooms(0).create_time().seconds(), 1'700'000'010);
}

TEST(ListRooms, PagesAreExactAndFiltered) {
  World world;
  std::vector<std::string> rooms;
  for (const char* name : {"a.1", "a.2", "a.3", "a.4", "b.1", "b.2"}) rooms.push_back(name);
  world.Connect("", rooms);
  EXPECT_THAT(RoomPages(world, {}, 3), ElementsAre(ElementsAre("a.1", "a.2", "a.3"), ElementsAre("a.4", "b.1", "b.2")));
  EXPECT_THAT(RoomPages(world, {}, 4), ElementsAre(ElementsAre("a.1", "a.2", "a.3", "a.4"), ElementsAre("b.1", "b.2")));
  EXPECT_THAT(RoomPages(world, {}, 6).size(), 1u);
  v1::ListRoomsRequest request;
  request.set_room("a.*");
  // The last page says that it is the last, though there are more rooms.
  EXPECT_THAT(RoomPages(world, request, 2), ElementsAre(ElementsAre("a.1", "a.2"), ElementsAre("a.3", "a.4")));
  request.set_room("b.*");
  EXPECT_THAT(RoomPages(world, request, 1), ElementsAre(ElementsAre("b.1"), ElementsAre("b.2")));
}

TEST(Pages, HaveTheDefaultSizeAndAreCutAtTheLargest) {
  World world("limits { page_default: 3 page_max: 5 }");
  std::vector<std::string> rooms;
  for (int i = 0; i < 8; ++i) rooms.push_back("r" + std::to_string(i));
  world.Connect("", rooms);
  EXPECT_EQ(RoomPages(world, {}, 0)[0].size(), 3u);
  EXPECT_EQ(RoomPages(world, {}, 4)[0].size(), 4u);
  EXPECT_EQ(RoomPages(world, {}, 5)[0].size(), 5u);
  EXPECT_EQ(RoomPages(world, {}, 6)[0].size(), 5u);
  EXPECT_EQ(RoomPages(world, {}, 4000000000u)[0].size(), 5u);
}

TEST(Pages, EndEarlyAtOneMebibyte) {
  World world("limits { labels: 256 header_value_bytes: 65536 }");
  for (int i = 0; i < 10; ++i) {
    v1::ConnectRequest request;
    for (int label = 0; label < 5; ++label) {
      (*request.mutable_labels())["l" + std::to_string(label)] = std::string(60000, 'x');
    }
    ASSERT_TRUE(world.TryConnect(request).ok());
  }
  std::set<std::string> ids;
  v1::ListClientsRequest request;
  int pages = 0;
  do {
    v1::ListClientsResponse response;
    ASSERT_TRUE(world.registry().ListClients(TestCall(), request, &response).ok());
    EXPECT_GE(response.clients_size(), 1);
    EXPECT_LE(response.ByteSizeLong(), (1u << 20) + 200);
    for (const auto& client : response.clients()) EXPECT_TRUE(ids.insert(client.id()).second);
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(ids.size(), 10u);
  EXPECT_EQ(pages, 4);
}

TEST(Pages, EntryLargerThanAPageComesAlone) {
  World world("limits { labels: 256 header_value_bytes: 65536 }");
  for (int i = 0; i < 2; ++i) {
    v1::ConnectRequest request;
    for (int label = 0; label < 30; ++label) {
      (*request.mutable_labels())["l" + std::to_string(label)] = std::string(60000, 'x');
    }
    ASSERT_TRUE(world.TryConnect(request).ok());
  }
  v1::ListClientsResponse response;
  ASSERT_TRUE(world.registry().ListClients(TestCall(), {}, &response).ok());
  EXPECT_EQ(response.clients_size(), 1);
  EXPECT_FALSE(response.next_page_token().empty());
}

TEST(Pages, GoOnAfterEntriesThatAreGoneMeanwhile) {
  World world;
  const Member member = world.Connect("", {"a", "b", "c", "d"});
  v1::ListRoomsRequest request;
  request.set_page_size(2);
  v1::ListRoomsResponse response;
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), request, &response).ok());
  ASSERT_TRUE(world.Leave(member, {"b"}).ok());
  ASSERT_TRUE(world.Join(member, {"a1", "c1"}).ok());
  request.set_page_token(response.next_page_token());
  request.set_page_size(9);
  response.Clear();
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), request, &response).ok());
  ASSERT_EQ(response.rooms_size(), 3);
  EXPECT_EQ(response.rooms(0).name(), "c");
  EXPECT_EQ(response.rooms(1).name(), "c1");
}

TEST(PageToken, OfAnotherCallOrNamespaceOrGarbageIsRefused) {
  World world(kTwo);
  world.Connect("", {"a", "b", "c"});
  world.Connect();
  v1::ListRoomsRequest rooms;
  rooms.set_page_size(1);
  v1::ListRoomsResponse response;
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), rooms, &response).ok());
  const std::string token = response.next_page_token();
  ASSERT_FALSE(token.empty());

  auto expect_refused = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(MetadataOf(status, "field"), "page_token");
  };
  v1::ListClientsRequest clients;
  clients.set_page_token(token);
  v1::ListClientsResponse clients_response;
  expect_refused(world.registry().ListClients(TestCall(), clients, &clients_response));
  v1::ListQueuesRequest queues;
  queues.set_page_token(token);
  v1::ListQueuesResponse queues_response;
  expect_refused(world.registry().ListQueues(TestCall(), queues, &queues_response));
  v1::ListSubscriptionsRequest subscriptions;
  subscriptions.set_page_token(token);
  v1::ListSubscriptionsResponse subscriptions_response;
  expect_refused(world.registry().ListSubscriptions(TestCall(), subscriptions, &subscriptions_response));
  v1::ListNamespacesRequest namespaces;
  namespaces.set_page_token(token);
  v1::ListNamespacesResponse namespaces_response;
  expect_refused(world.registry().ListNamespaces(TestCall(), namespaces, &namespaces_response));
  rooms.set_page_token(token);
  rooms.set_namespace_("one");
  expect_refused(world.registry().ListRooms(TestCall(), rooms, &response));
  rooms.clear_namespace_();
  for (const std::string& garbage :
       {std::string("x"), std::string("!!!!"), token.substr(1), std::string(100000, 'A'), std::string("\0\xff", 2)}) {
    rooms.set_page_token(garbage);
    expect_refused(world.registry().ListRooms(TestCall(), rooms, &response));
  }
  rooms.set_namespace_("default");
  rooms.set_page_token(token);
  EXPECT_TRUE(world.registry().ListRooms(TestCall(), rooms, &response).ok());
}

TEST(ListClients, ShowsWhatAClientIs) {
  World world;
  v1::ConnectRequest request;
  request.set_name("till");
  (*request.mutable_labels())["shop"] = "7";
  auto connected = world.TryConnect(request);
  const Member member{connected->client_id(), connected->session()};
  ASSERT_TRUE(world.Join(member, {"red", "blue"}).ok());
  world.clock().Advance(absl::Seconds(10));
  v1::ClientInfo client = GetClient(world, member);
  EXPECT_EQ(client.namespace_(), "default");
  EXPECT_EQ(client.id(), member.id);
  EXPECT_EQ(client.name(), "till");
  EXPECT_EQ(client.labels().at("shop"), "7");
  EXPECT_EQ(client.peer(), "test:1");
  EXPECT_EQ(client.connect_time().seconds(), 1'700'000'000);
  EXPECT_EQ(client.lease().seconds(), 30);
  EXPECT_EQ(client.lease_end_time().seconds(), 1'700'000'030);
  EXPECT_THAT(client.rooms(), ElementsAre("blue", "red"));
  EXPECT_THAT(client.subscriptions(), IsEmpty());

  auto listener = world.Listen(member);
  ASSERT_TRUE(world.PublishAs(member, {}).ok());
  listener->HearAll();
  client = GetClient(world, member);
  EXPECT_FALSE(client.has_lease_end_time());
  EXPECT_THAT(client.subscriptions(), ElementsAre(listener->subscription().id()));
  EXPECT_EQ(client.counters().published_messages(), 1u);
  EXPECT_EQ(client.counters().delivered_messages(), 1u);
  listener->Close();
  world.clock().Advance(absl::Seconds(60));
  EXPECT_EQ(GetClient(world, member).lease_end_time().seconds(), 1'700'000'070) << "at the latest now";
}

TEST(ListClients, NameIsTheIdUnlessGiven) {
  World world;
  const Member member = world.Connect();
  EXPECT_EQ(GetClient(world, member).name(), member.id);
}

TEST(ListClients, FiltersCombineWithAnd) {
  World world(kTwo);
  auto connect = [&](const std::string& name, const std::map<std::string, std::string>& labels,
                     const std::vector<std::string>& rooms) {
    v1::ConnectRequest request;
    request.set_name(name);
    for (const auto& [label, value] : labels) (*request.mutable_labels())[label] = value;
    auto connected = world.TryConnect(request);
    const Member member{connected->client_id(), connected->session()};
    if (!rooms.empty()) {
      EXPECT_TRUE(world.Join(member, rooms).ok());
    }
    return member;
  };
  const Member a = connect("till", {{"shop", "7"}, {"os", "x"}}, {"red"});
  const Member b = connect("till", {{"shop", "8"}}, {"red", "blue"});
  const Member c = connect("desk", {}, {});
  auto hears_db = world.Listen(a, {{"DB", "CREATE"}});
  auto hears_all = world.Listen(b, {{"*", ""}});
  auto hears_fs = world.Listen(c, {{"FS", "a.*"}, {"DB", "DELETE"}});

  v1::ClientFilter filter;
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(a.id, b.id, c.id));
  EXPECT_THAT(ClientsWhere(world, filter, "one"), IsEmpty());
  filter.set_room("red");
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(a.id, b.id));
  filter.set_name("desk");
  EXPECT_THAT(ClientsWhere(world, filter), IsEmpty());
  filter.clear_room();
  EXPECT_THAT(ClientsWhere(world, filter), ElementsAre(c.id));
  filter.Clear();
  (*filter.mutable_labels())["shop"] = "7";
  EXPECT_THAT(ClientsWhere(world, filter), ElementsAre(a.id));
  (*filter.mutable_labels())["os"] = "y";
  EXPECT_THAT(ClientsWhere(world, filter), IsEmpty());
  filter.Clear();
  filter.set_queue("DB");
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(a.id, b.id, c.id));
  filter.set_event("CREATE");
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(a.id, b.id));
  filter.set_queue("FS");
  EXPECT_THAT(ClientsWhere(world, filter), ElementsAre(b.id));
  filter.set_event("a.b");
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(b.id, c.id));
  filter.clear_queue();
  filter.set_event("DELETE");
  EXPECT_THAT(ClientsWhere(world, filter), UnorderedElementsAre(b.id, c.id));
  filter.set_room("blue");
  EXPECT_THAT(ClientsWhere(world, filter), ElementsAre(b.id));
  filter.Clear();
  filter.set_room("nowhere");
  EXPECT_THAT(ClientsWhere(world, filter), IsEmpty());
}

TEST(ListClients, FiltersMustBeNames) {
  World world;
  v1::ListClientsRequest request;
  v1::ListClientsResponse response;
  auto refused_field = [&] {
    const absl::Status status = world.registry().ListClients(TestCall(), request, &response);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    v1::CountClientsRequest count;
    *count.mutable_filter() = request.filter();
    v1::CountClientsResponse counted;
    EXPECT_EQ(world.registry().CountClients(TestCall(), count, &counted), status);
    return MetadataOf(status, "field");
  };
  request.mutable_filter()->set_queue("D*");
  EXPECT_EQ(refused_field(), "filter.queue");
  request.mutable_filter()->set_queue("**");
  EXPECT_EQ(refused_field(), "filter.queue");
  request.mutable_filter()->set_queue("DB");
  request.mutable_filter()->set_event("a b");
  EXPECT_EQ(refused_field(), "filter.event");
  request.mutable_filter()->Clear();
  request.mutable_filter()->set_room("a/b");
  EXPECT_EQ(refused_field(), "filter.room");
}

TEST(ListClients, PagesOfARoomGoThroughItsMembers) {
  World world("limits { page_max: 10000 }");
  std::set<std::string> members;
  for (int i = 0; i < 2500; ++i) {
    const Member member = world.Connect("", {i % 2 == 0 ? "even" : "odd"});
    if (i % 2 == 0) members.insert(member.id);
  }
  v1::ListClientsRequest request;
  request.mutable_filter()->set_room("even");
  for (const uint32_t page_size : {7u, 1000u, 1249u, 1250u, 5000u}) {
    std::vector<std::string> ids;
    const auto pages = Pages(world.registry(), request, page_size, &Registry::ListClients,
                             [](const v1::ListClientsResponse& response) {
                               std::vector<std::string> names;
                               for (const auto& client : response.clients()) names.push_back(client.id());
                               return names;
                             });
    for (const auto& page : pages) ids.insert(ids.end(), page.begin(), page.end());
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()), members) << page_size;
    EXPECT_EQ(pages.size(), (1250 + page_size - 1) / page_size);
  }
}

std::vector<v1::Metric> MetricsOf(const World& world, const std::string& prefix, uint32_t page_size = 0) {
  std::vector<v1::Metric> metrics;
  v1::ListMetricsRequest request;
  request.set_name_prefix(prefix);
  request.set_page_size(page_size);
  do {
    v1::ListMetricsResponse response;
    const absl::Status status = world.registry().ListMetrics(TestCall(), request, &response);
    EXPECT_TRUE(status.ok()) << status;
    if (page_size > 0) EXPECT_LE(response.metrics_size(), static_cast<int>(page_size));
    metrics.insert(metrics.end(), response.metrics().begin(), response.metrics().end());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return metrics;
}

TEST(ListMetrics, ARefusalIsThereWithItsLimit) {
  World world;
  EXPECT_THAT(MetricsOf(world, "nmq_refused"), IsEmpty());
  EXPECT_FALSE(world.Publish({.payload = std::string(2 << 20, 'x')}).ok());
  const std::vector<v1::Metric> metrics = MetricsOf(world, "nmq_refused");
  ASSERT_EQ(metrics.size(), 1u);
  EXPECT_EQ(metrics[0].labels().at("limit"), "payload_bytes");
  EXPECT_EQ(metrics[0].counter(), 1);
}

TEST(ListMetrics, BytesInMemoryGrowWithWhatIsPublished) {
  World world;
  const double before = MetricsOf(world, "nmq_ring_bytes").at(0).gauge();
  ASSERT_TRUE(world.Publish({.payload = std::string(1000, 'x')}).ok());
  EXPECT_GE(MetricsOf(world, "nmq_ring_bytes").at(0).gauge(), before + 1000);
}

TEST(ListMetrics, PagesHoldAllInOrder) {
  World world;
  const std::vector<v1::Metric> all = MetricsOf(world, "");
  ASSERT_GT(all.size(), 4u);
  const std::vector<v1::Metric> paged = MetricsOf(world, "", 1);
  ASSERT_EQ(paged.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(paged[i].name(), all[i].name());
    if (i > 0) EXPECT_LE(all[i - 1].name(), all[i].name());
  }
}

TEST(CountClients, CountsMoreThanOneLookTakes) {
  World world;
  for (int i = 0; i < 3001; ++i) world.Connect("", {"all"});
  v1::CountClientsRequest request;
  v1::CountClientsResponse response;
  ASSERT_TRUE(world.registry().CountClients(TestCall(), request, &response).ok());
  EXPECT_EQ(response.count(), 3001u);
  EXPECT_EQ(response.revision(), world.broker().changes().revision());
  request.mutable_filter()->set_room("all");
  ASSERT_TRUE(world.registry().CountClients(TestCall(), request, &response).ok());
  EXPECT_EQ(response.count(), 3001u);
}

TEST(GetClient, UnknownIsNotFound) {
  World world(kTwo);
  const Member member = world.Connect();
  v1::GetClientRequest request;
  v1::GetClientResponse response;
  EXPECT_EQ(world.registry().GetClient(TestCall(), request, &response).code(), absl::StatusCode::kInvalidArgument);
  request.set_client_id("c-nobody");
  const absl::Status status = world.registry().GetClient(TestCall(), request, &response);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "CLIENT_NOT_FOUND");
  request.set_client_id(member.id);
  request.set_namespace_("one");
  EXPECT_EQ(world.registry().GetClient(TestCall(), request, &response).code(), absl::StatusCode::kNotFound);
}

TEST(ListSubscriptions, ShowsWhatIsHeardAndHowFar) {
  World world;
  const Member member = world.Connect();
  v1::SubscribeRequest request = SubscribeTo(member, {{"*", ""}, {"DB", "CREATE"}});
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  auto listener = world.TryListen(request);
  ASSERT_TRUE(listener.ok());
  ASSERT_TRUE(world.Publish({.queue = "DB"}).ok());
  ASSERT_TRUE(world.Publish({.queue = "FS"}).ok());
  ASSERT_TRUE(world.Publish({.queue = "FS"}).ok());
  (*listener)->HearOnce(1);
  (*listener)->subscription().in_flight_bytes().store(77);
  v1::ListSubscriptionsResponse response;
  ASSERT_TRUE(world.registry().ListSubscriptions(TestCall(), {}, &response).ok());
  ASSERT_EQ(response.subscriptions_size(), 1);
  const v1::SubscriptionInfo& info = response.subscriptions(0);
  EXPECT_EQ(info.namespace_(), "default");
  EXPECT_EQ(info.id(), (*listener)->ready().subscription_id());
  EXPECT_EQ(info.client_id(), member.id);
  EXPECT_EQ(info.client_name(), member.id);
  ASSERT_EQ(info.patterns_size(), 2);
  EXPECT_EQ(info.patterns(0).queue(), "*");
  EXPECT_EQ(info.patterns(0).event(), "**");
  EXPECT_EQ(info.patterns(1).event(), "CREATE");
  EXPECT_EQ(info.overflow(), v1::OVERFLOW_DISCONNECT);
  EXPECT_EQ(info.peer(), "test:2");
  EXPECT_EQ(info.start_time().seconds(), 1'700'000'000);
  EXPECT_EQ(info.queues(), 2u);
  EXPECT_EQ(info.lag_messages(), 2u);
  EXPECT_EQ(info.in_flight_bytes(), 77u);
  EXPECT_EQ(info.counters().delivered_messages(), 1u);
}

TEST(ListSubscriptions, FiltersByClientQueueAndEvent) {
  World world;
  const Member a = world.Connect();
  const Member b = world.Connect();
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 12; ++i) listeners.push_back(world.Listen(a, {{"DB", "CREATE"}}));
  listeners.push_back(world.Listen(b, {{"FS", ""}}));
  auto count = [&](const std::string& client, const std::string& queue, const std::string& event, uint32_t page) {
    v1::ListSubscriptionsRequest request;
    request.set_client_id(client);
    request.set_queue(queue);
    request.set_event(event);
    std::set<std::string> ids;
    for (const auto& names : Pages(world.registry(), request, page, &Registry::ListSubscriptions,
                                   [](const v1::ListSubscriptionsResponse& response) {
                                     std::vector<std::string> found;
                                     for (const auto& info : response.subscriptions()) found.push_back(info.id());
                                     return found;
                                   })) {
      ids.insert(names.begin(), names.end());
    }
    return ids.size();
  };
  for (const uint32_t page : {1u, 5u, 0u}) {
    EXPECT_EQ(count("", "", "", page), 13u);
    EXPECT_EQ(count(a.id, "", "", page), 12u);
    EXPECT_EQ(count(b.id, "", "", page), 1u);
    EXPECT_EQ(count("c-nobody", "", "", page), 0u);
    EXPECT_EQ(count("", "DB", "", page), 12u);
    EXPECT_EQ(count("", "", "DELETE", page), 1u);
    EXPECT_EQ(count(a.id, "FS", "", page), 0u);
  }
}

TEST(ListSubscriptions, FiltersMustBeNames) {
  World world;
  v1::ListSubscriptionsRequest request;
  v1::ListSubscriptionsResponse response;
  request.set_event("a*");
  EXPECT_EQ(MetadataOf(world.registry().ListSubscriptions(TestCall(), request, &response), "field"), "event");
  request.set_queue("**");
  EXPECT_EQ(MetadataOf(world.registry().ListSubscriptions(TestCall(), request, &response), "field"), "queue");
}

TEST(RegistryErrors, UndeclaredNamespaceIsNotFoundEverywhere) {
  World world;
  auto list = [&](auto request, auto response, auto method) {
    request.set_namespace_("nowhere");
    const absl::Status status = (world.registry().*method)(TestCall(), request, &response);
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << request.GetTypeName();
    EXPECT_EQ(ReasonOf(status), "NAMESPACE_NOT_FOUND");
  };
  list(v1::ListQueuesRequest(), v1::ListQueuesResponse(), &Registry::ListQueues);
  list(v1::ListRoomsRequest(), v1::ListRoomsResponse(), &Registry::ListRooms);
  list(v1::ListClientsRequest(), v1::ListClientsResponse(), &Registry::ListClients);
  list(v1::ListSubscriptionsRequest(), v1::ListSubscriptionsResponse(), &Registry::ListSubscriptions);
  list(v1::GetClientRequest(), v1::GetClientResponse(), &Registry::GetClient);
  list(v1::CountClientsRequest(), v1::CountClientsResponse(), &Registry::CountClients);
}

}  // namespace
}  // namespace nmq::broker
