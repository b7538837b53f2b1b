// Clients: sessions, leases, and what a namespace bounds.
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/queue/ready.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ConnectRequest ResumeOf(const Member& member) {
  v1::ConnectRequest request;
  request.set_session(member.session);
  return request;
}

uint64_t Clients(const World& world, const std::string& name_space = "") {
  v1::CountClientsRequest request;
  request.set_namespace_(name_space);
  v1::CountClientsResponse response;
  EXPECT_TRUE(world.registry().CountClients(TestCall(), request, &response).ok());
  return response.count();
}

TEST(Session, ConnectTellsWhatAClientNeeds) {
  World world("limits { payload_bytes: 1234 }");
  auto response = world.TryConnect({});
  ASSERT_TRUE(response.ok());
  EXPECT_FALSE(response->client_id().empty());
  EXPECT_FALSE(response->session().empty());
  EXPECT_EQ(response->lease().seconds(), 30);
  EXPECT_EQ(response->limits().payload_bytes(), 1234u);
  EXPECT_EQ(response->server_epoch(), world.broker().server_epoch());
  EXPECT_FALSE(response->resumed());
}

TEST(Session, EachConnectIsAnotherClient) {
  World world;
  const Member one = world.Connect();
  const Member two = world.Connect();
  EXPECT_NE(one.id, two.id);
  EXPECT_NE(one.session, two.session);
  EXPECT_EQ(Clients(world), 2u);
}

TEST(Session, ResumeIsTheSameClientWithItsRooms) {
  World world;
  const Member member = world.Connect("", {"red", "blue"});
  auto response = world.TryConnect(ResumeOf(member));
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(response->resumed());
  EXPECT_EQ(response->client_id(), member.id);
  EXPECT_EQ(response->session(), member.session);
  EXPECT_THAT(response->rooms(), ElementsAre("blue", "red"));
  EXPECT_EQ(Clients(world), 1u);
}

TEST(Session, ResumeKeepsWhatTheRequestLeavesEmpty) {
  World world;
  v1::ConnectRequest request;
  request.set_name("first");
  (*request.mutable_labels())["a"] = "1";
  request.mutable_lease()->set_seconds(60);
  auto connected = world.TryConnect(request);
  ASSERT_TRUE(connected.ok());
  const Member member{connected->client_id(), connected->session()};
  EXPECT_EQ(world.TryConnect(ResumeOf(member))->lease().seconds(), 60);
  v1::GetClientRequest get;
  get.set_client_id(member.id);
  v1::GetClientResponse client;
  ASSERT_TRUE(world.registry().GetClient(TestCall(), get, &client).ok());
  EXPECT_EQ(client.client().name(), "first");
  EXPECT_EQ(client.client().labels().at("a"), "1");

  request = ResumeOf(member);
  request.set_name("second");
  (*request.mutable_labels())["b"] = "2";
  request.mutable_lease()->set_seconds(7);
  EXPECT_EQ(world.TryConnect(request)->lease().seconds(), 7);
  ASSERT_TRUE(world.registry().GetClient(TestCall(), get, &client).ok());
  EXPECT_EQ(client.client().name(), "second");
  EXPECT_EQ(client.client().labels().size(), 1u);
  EXPECT_EQ(client.client().labels().at("b"), "2");
}

TEST(Session, UnknownSessionsAreToldApartFromExpiredOnes) {
  World world;
  const Member member = world.Connect();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense", "SESSION_UNKNOWN"},
      {"a.b", "SESSION_UNKNOWN"},
      {"...", "SESSION_UNKNOWN"},
      {member.id + ".zzz.abc", "SESSION_UNKNOWN"},  // another run of the server
      {member.session.substr(0, member.session.size() - 1) + "!", "SESSION_EXPIRED"},
      {member.session + "x", "SESSION_EXPIRED"},
      {"c-other" + member.session.substr(member.session.find('.')), "SESSION_EXPIRED"},
  };
  for (const auto& [session, reason] : cases) {
    const absl::Status status = world.Join({"", session}, {"red"}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << session;
    EXPECT_EQ(ReasonOf(status), reason) << session;
  }
  EXPECT_EQ(world.Join({"", ""}, {"red"}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.Disconnect({"", ""}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.Disconnect({"", "nonsense"}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Leave({"", "nonsense"}, {"red"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.TryListen(SubscribeTo({"", ""}, {{"**", ""}})).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(world.PublishAs({"", "nonsense"}, {}).status().code(), absl::StatusCode::kNotFound);
}

TEST(Session, ConnectWithAnUnknownSessionIsANewClient) {
  World world;
  auto response = world.TryConnect(ResumeOf({"", "c-a.b.c"}));
  ASSERT_TRUE(response.ok());
  EXPECT_FALSE(response->resumed());
  EXPECT_THAT(response->rooms(), IsEmpty());
}

TEST(Session, OfAnotherNamespaceIsRefused) {
  World world("namespace { name: 'one' } namespace { name: 'two' }");
  const Member member = world.Connect("one");
  v1::ConnectRequest request = ResumeOf(member);
  request.set_namespace_("two");
  const absl::Status status = world.TryConnect(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "OTHER_NAMESPACE");
  EXPECT_EQ(Clients(world, "two"), 0u);
  request.set_namespace_("one");
  EXPECT_TRUE(world.TryConnect(request)->resumed());
}

TEST(Session, IntoAnUndeclaredNamespaceIsRefused) {
  World world;
  v1::ConnectRequest request;
  request.set_namespace_("nowhere");
  EXPECT_EQ(ReasonOf(world.TryConnect(request).status()), "NAMESPACE_NOT_FOUND");
  request.set_namespace_("no/name");
  EXPECT_EQ(world.TryConnect(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Session, DisconnectFreesEverything) {
  World world;
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Disconnect(member).ok());
  EXPECT_EQ(Clients(world), 0u);
  v1::ListRoomsResponse rooms;
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), {}, &rooms).ok());
  EXPECT_EQ(rooms.rooms_size(), 0);
  EXPECT_EQ(ReasonOf(world.Join(member, {"red"}).status()), "SESSION_EXPIRED");
  EXPECT_EQ(ReasonOf(world.Disconnect(member)), "SESSION_EXPIRED");
  EXPECT_FALSE(world.TryConnect(ResumeOf(member))->resumed());
}

TEST(Session, DisconnectEndsTheSubscriptionsWithOk) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({}).ok());
  ASSERT_TRUE(world.Disconnect(member).ok());
  EXPECT_TRUE(listener->subscription().ended());
  const Heard heard = listener->HearOnce(100);
  EXPECT_TRUE(heard.status.ok());
  v1::ListSubscriptionsResponse subscriptions;
  ASSERT_TRUE(world.registry().ListSubscriptions(TestCall(), {}, &subscriptions).ok());
  EXPECT_EQ(subscriptions.subscriptions_size(), 0);
}

TEST(Session, DisconnectTellsTheLane) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  listener->HearAll();
  ASSERT_TRUE(world.Disconnect(member).ok());
  std::vector<Subscriber*> ready;
  TakeReady(world.lane(0), &ready);
  EXPECT_THAT(ready, ElementsAre(&listener->subscription()));
  listener->subscription().ClearReady();
}

class Lease : public ::testing::Test {
 protected:
  // Time passes in steps, as housekeeping has it.
  void Pass(absl::Duration time) {
    for (; time > absl::ZeroDuration(); time -= absl::Seconds(1)) {
      world_.clock().Advance(std::min(time, absl::Seconds(1)));
      world_.Housekeep();
    }
  }
  bool IsThere(const Member& member) {
    v1::GetClientRequest request;
    request.set_client_id(member.id);
    v1::GetClientResponse response;
    return world_.registry().GetClient(TestCall(), request, &response).ok();
  }

  World world_;
};

TEST_F(Lease, RunsOutWithoutStreamsAndCalls) {
  const Member member = world_.Connect("", {"red"});
  Pass(absl::Seconds(29));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
  const absl::Status status = world_.Join(member, {"red"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "SESSION_EXPIRED");
  v1::ListRoomsResponse rooms;
  ASSERT_TRUE(world_.registry().ListRooms(TestCall(), {}, &rooms).ok());
  EXPECT_EQ(rooms.rooms_size(), 0);
  EXPECT_FALSE(world_.TryConnect(ResumeOf(member))->resumed());
}

TEST_F(Lease, StartsAnewWithEachCall) {
  const Member member = world_.Connect();
  Pass(absl::Seconds(20));
  ASSERT_TRUE(world_.Join(member, {"red"}).ok());
  Pass(absl::Seconds(20));
  ASSERT_TRUE(world_.PublishAs(member, {}).ok());
  Pass(absl::Seconds(29));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
}

TEST_F(Lease, DoesNotRunWhileASubscriptionIsOpen) {
  const Member member = world_.Connect();
  auto listener = world_.Listen(member);
  Pass(absl::Minutes(5));
  EXPECT_TRUE(IsThere(member));
  listener->Close();
  Pass(absl::Seconds(29));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
}

TEST_F(Lease, DoesNotRunWhileAPublishStreamIsOpen) {
  const Member member = world_.Connect();
  {
    PublishStream stream(&world_.broker(), TestCall());
    v1::PublishStreamRequest request;
    request.set_session(member.session);
    *request.add_messages() = ToMessage({});
    v1::PublishStreamResponse response;
    ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
    Pass(absl::Minutes(5));
    EXPECT_TRUE(IsThere(member));
  }
  Pass(absl::Seconds(29));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
}

TEST_F(Lease, ResumeInsideItKeepsTheRooms) {
  const Member member = world_.Connect("", {"red"});
  auto listener = world_.Listen(member);
  listener->HearAll();
  listener->Close();
  ASSERT_TRUE(world_.Publish({.payload = "meanwhile", .rooms = {"red"}}).ok());
  Pass(absl::Seconds(25));
  EXPECT_THAT(world_.TryConnect(ResumeOf(member))->rooms(), ElementsAre("red"));
  Pass(absl::Seconds(25));
  EXPECT_TRUE(IsThere(member));
  auto resumed = world_.Listen(member, {{"**", ""}}, ResumeFrom(listener->Positions()));
  EXPECT_THAT(resumed->Payloads(), ElementsAre("meanwhile"));
}

TEST_F(Lease, ShorterOneOfAResumeCounts) {
  v1::ConnectRequest request;
  request.mutable_lease()->set_seconds(600);
  auto connected = world_.TryConnect(request);
  const Member member{connected->client_id(), connected->session()};
  request = ResumeOf(member);
  request.mutable_lease()->set_seconds(5);
  ASSERT_TRUE(world_.TryConnect(request)->resumed());
  Pass(absl::Seconds(4));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
}

TEST_F(Lease, LongerOneOfAResumeCounts) {
  const Member member = world_.Connect();
  v1::ConnectRequest request = ResumeOf(member);
  request.mutable_lease()->set_seconds(100);
  ASSERT_TRUE(world_.TryConnect(request)->resumed());
  Pass(absl::Seconds(99));
  EXPECT_TRUE(IsThere(member));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsThere(member));
}

TEST_F(Lease, JumpOfTheWallClockIsNoTime) {
  const Member member = world_.Connect();
  world_.clock().SetWall(absl::FromUnixSeconds(2'000'000'000));
  world_.Housekeep();
  EXPECT_TRUE(IsThere(member));
}

TEST_F(Lease, EachRunsOutByItself) {
  std::vector<Member> members;
  for (int i = 0; i < 10; ++i) {
    members.push_back(world_.Connect());
    Pass(absl::Seconds(1));
  }
  ASSERT_TRUE(world_.Disconnect(members[5]).ok());
  Pass(absl::Seconds(21));
  EXPECT_FALSE(IsThere(members[0]));
  EXPECT_FALSE(IsThere(members[1]));
  EXPECT_TRUE(IsThere(members[2]));
  Pass(absl::Seconds(8));
  EXPECT_EQ(Clients(world_), 0u);
}

TEST_F(Lease, IsBounded) {
  for (const auto& [seconds, good] : std::vector<std::pair<int64_t, bool>>{
           {4, false}, {5, true}, {6, true}, {599, true}, {600, true}, {601, false}, {-1, false}, {0, false}}) {
    v1::ConnectRequest request;
    request.mutable_lease()->set_seconds(seconds);
    auto response = world_.TryConnect(request);
    EXPECT_EQ(response.ok(), good) << seconds;
    if (good) {
      EXPECT_EQ(response->lease().seconds(), seconds);
    } else {
      EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(MetadataOf(response.status(), "field"), "lease");
    }
  }
  v1::ConnectRequest request;
  request.mutable_lease()->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(world_.TryConnect(request).ok());
}

// Each limit at one less, itself, one more: only the last is refused, names the limit, and is counted.
void ExpectBound(const std::string& limit, uint64_t bound, World* world,
                 const std::function<absl::Status(uint64_t)>& attempt) {
  EXPECT_TRUE(attempt(bound - 1).ok()) << limit;
  EXPECT_TRUE(attempt(bound).ok()) << limit;
  const absl::Status status = attempt(bound + 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << limit;
  EXPECT_EQ(ReasonOf(status), kReasonLimitExceeded);
  EXPECT_EQ(MetadataOf(status, "limit"), limit);
  EXPECT_EQ(MetadataOf(status, "value"), std::to_string(bound + 1));
  EXPECT_EQ(MetadataOf(status, "bound"), std::to_string(bound));
  EXPECT_EQ(world->Refused(), 1u) << limit;
}

TEST(NamespaceLimit, Clients) {
  World world("limits { clients_per_namespace: 3 }");
  std::vector<Member> members;
  ExpectBound("clients_per_namespace", 3, &world, [&](uint64_t count) {
    while (members.size() < count) {
      auto response = world.TryConnect({});
      if (!response.ok()) return response.status();
      members.push_back({response->client_id(), response->session()});
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(world.TryConnect(ResumeOf(members[0])).ok()) << "a resume needs no place";
  ASSERT_TRUE(world.Disconnect(members[0]).ok());
  EXPECT_TRUE(world.TryConnect({}).ok());
}

TEST(NamespaceLimit, RoomsOfAClient) {
  World world("limits { rooms_per_client: 4 }");
  ExpectBound("rooms_per_client", 4, &world, [&](uint64_t count) {
    const Member member = world.Connect();
    std::vector<std::string> rooms;
    for (uint64_t i = 0; i < count; ++i) rooms.push_back("r" + std::to_string(i));
    return world.Join(member, rooms).status();
  });
}

TEST(NamespaceLimit, RoomsOfAClientOneByOne) {
  World world("limits { rooms_per_client: 4 }");
  const Member member = world.Connect("", {"a", "b", "c"});
  EXPECT_TRUE(world.Join(member, {"a", "b", "c"}).ok());
  EXPECT_TRUE(world.Join(member, {"d"}).ok());
  EXPECT_EQ(MetadataOf(world.Join(member, {"e"}).status(), "limit"), "rooms_per_client");
  EXPECT_TRUE(world.Join(member, {"d", "d", "d"}).ok());
  ASSERT_TRUE(world.Leave(member, {"a"}).ok());
  EXPECT_TRUE(world.Join(member, {"e"}).ok());
  v1::SubscribeRequest request = SubscribeTo(member, {{"**", ""}});
  request.add_rooms("f");
  EXPECT_EQ(MetadataOf(world.TryListen(request).status(), "limit"), "rooms_per_client");
  EXPECT_EQ(world.Refused(), 2u);
}

TEST(NamespaceLimit, RoomThatWasLeftCountsWhileItsMessagesAreHeld) {
  World world("limits { rooms_per_client: 1 queue_age { seconds: 60 } }");
  const Member member = world.Connect("", {"a"});
  auto listener = world.Listen(member);  // so that the lease does not run out
  ASSERT_TRUE(world.Publish({.rooms = {"a"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"a"}).ok());
  v1::SubscribeRequest request = SubscribeTo(member, {{"**", ""}});
  request.add_rooms("b");
  EXPECT_EQ(MetadataOf(world.Join(member, {"b"}).status(), "limit"), "rooms_per_client");
  EXPECT_EQ(MetadataOf(world.TryListen(request).status(), "limit"), "rooms_per_client");
  world.clock().Advance(absl::Seconds(75));
  EXPECT_TRUE(world.TryListen(request).ok());
  EXPECT_FALSE(world.Join(member, {"c"}).ok());
}

TEST(NamespaceLimit, RoomsOfTheNamespace) {
  World world("limits { rooms_per_namespace: 4 }");
  const Member member = world.Connect("", {"r0"});
  ExpectBound("rooms_per_namespace", 4, &world, [&](uint64_t count) {
    std::vector<std::string> rooms;
    for (uint64_t i = 0; i < count; ++i) rooms.push_back("r" + std::to_string(i));
    return world.Join(member, rooms).status();
  });
  EXPECT_TRUE(world.Join(world.Connect(), {"r0", "r1"}).ok()) << "rooms that are there already";
}

TEST(NamespaceLimit, SubscriptionsOfAClient) {
  World world("limits { subscriptions_per_client: 3 }");
  const Member member = world.Connect();
  std::vector<std::unique_ptr<Listener>> listeners;
  ExpectBound("subscriptions_per_client", 3, &world, [&](uint64_t count) {
    while (listeners.size() < count) {
      auto listener = world.TryListen(SubscribeTo(member, {{"**", ""}}));
      if (!listener.ok()) return listener.status();
      listeners.push_back(*std::move(listener));
    }
    return absl::OkStatus();
  });
  listeners.pop_back();
  EXPECT_TRUE(world.TryListen(SubscribeTo(member, {{"**", ""}})).ok());
}

TEST(NamespaceLimit, Labels) {
  World world("limits { labels: 3 header_name_bytes: 10 header_value_bytes: 20 }");
  ExpectBound("labels", 3, &world, [&](uint64_t count) {
    v1::ConnectRequest request;
    for (uint64_t i = 0; i < count; ++i) (*request.mutable_labels())["l" + std::to_string(i)] = "x";
    return world.TryConnect(request).status();
  });
}

TEST(NamespaceLimit, BytesOfALabel) {
  World name("limits { header_name_bytes: 10 }");
  ExpectBound("header_name_bytes", 10, &name, [&](uint64_t bytes) {
    v1::ConnectRequest request;
    (*request.mutable_labels())[std::string(bytes, 'n')] = "x";
    return name.TryConnect(request).status();
  });
  World value("limits { header_value_bytes: 20 }");
  ExpectBound("header_value_bytes", 20, &value, [&](uint64_t bytes) {
    v1::ConnectRequest request;
    (*request.mutable_labels())["n"] = std::string(bytes, 'v');
    return value.TryConnect(request).status();
  });
  v1::ConnectRequest request;
  (*request.mutable_labels())[""] = "x";
  EXPECT_EQ(MetadataOf(value.TryConnect(request).status(), "field"), "labels");
}

TEST(NamespaceLimit, NameOfAClient) {
  World world;
  for (const auto& [bytes, good] : std::vector<std::pair<size_t, bool>>{{127, true}, {128, true}, {129, false}}) {
    v1::ConnectRequest request;
    request.set_name(std::string(bytes, 'n'));
    EXPECT_EQ(world.TryConnect(request).ok(), good) << bytes;
  }
  v1::ConnectRequest request;
  request.set_name("no name");
  EXPECT_EQ(MetadataOf(world.TryConnect(request).status(), "field"), "name");
}

TEST(NamespaceLimit, RefusalsAreCountedWhereTheyHappen) {
  World world("limits { payload_bytes: 3 } namespace { name: 'one' automatic_queues: true }");
  EXPECT_FALSE(world.Publish({.payload = "1234"}, "one").ok());
  EXPECT_EQ(world.Refused("one"), 1u);
  EXPECT_EQ(world.Refused(), 0u);
}

}  // namespace
}  // namespace nmq::broker
