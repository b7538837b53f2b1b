// Two namespaces with the same rooms, queues and events.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr char kTwins[] = R"(
    namespace { name: "left" queue { name: "DB" } queue { name: "FS" } }
    namespace { name: "right" queue { name: "DB" } queue { name: "FS" } })";

class Isolation : public testing::Test {
 protected:
  Isolation() : server_(kTwins), api_(server_), left_(&api_, Named("left")), right_(&api_, Named("right")) {}

  static v1::ConnectRequest Named(const std::string& name_space) {
    v1::ConnectRequest request;
    request.set_namespace_(name_space);
    request.set_name("twin");
    (*request.mutable_labels())["side"] = "any";
    return request;
  }

  TestServer server_;
  Api api_;
  TestClient left_;
  TestClient right_;
};

TEST_F(Isolation, MessagesForEveryoneStayInTheirNamespace) {
  auto left = left_.Subscribe("**");
  auto right = right_.Subscribe("**");
  for (int i = 0; i < 20; ++i) {
    const std::string queue = i % 2 == 0 ? "DB" : "FS";
    EXPECT_EQ(left_.PublishAndCount(MakeMessage(queue, "E", absl::StrCat("left", i))), 1);
    EXPECT_EQ(right_.PublishAndCount(MakeMessage(queue, "E", absl::StrCat("right", i))), 1);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(left->NextMessage().payload(), testing::StartsWith("left"));
    EXPECT_THAT(right->NextMessage().payload(), testing::StartsWith("right"));
  }
}

TEST_F(Isolation, RoomsOfOneNameAreDifferentRooms) {
  EXPECT_EQ(left_.Join({"room"}).rooms(0).members(), 1);
  EXPECT_EQ(right_.Join({"room"}).rooms(0).members(), 1);
  auto left = left_.Subscribe("DB");
  auto right = right_.Subscribe("DB");
  EXPECT_EQ(left_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "for left"), {"room"})), 1);
  EXPECT_EQ(right_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "for right"), {"room"})), 1);
  EXPECT_THAT(left->Payloads(1), ElementsAre("for left"));
  EXPECT_THAT(right->Payloads(1), ElementsAre("for right"));
}

TEST_F(Isolation, SequencesAndEpochsAreEachNamespacesOwn) {
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(left_.Publish("DB", "E", "").sequence(), i);
  const v1::PublishResponse right = right_.Publish("DB", "E", "");
  EXPECT_EQ(right.sequence(), 1);
  EXPECT_NE(right.epoch(), left_.Publish("DB", "E", "").epoch());
}

TEST_F(Isolation, AClientOfAnotherNamespaceCannotBeAddressed) {
  v1::PublishRequest request;
  request.set_session(left_.session());
  *request.mutable_message() = MakeMessage("DB", "E", "");
  request.mutable_message()->mutable_audience()->add_clients(right_.id());
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Publish, request)),
            absl::StrCat("NOT_FOUND CLIENT_NOT_FOUND client=", right_.id(), " namespace=left"));
}

TEST_F(Isolation, AClientCannotPublishIntoAnotherNamespace) {
  v1::PublishRequest request;
  request.set_session(left_.session());
  request.set_namespace_("right");
  *request.mutable_message() = MakeMessage("DB", "E", "");
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Publish, request)), "FAILED_PRECONDITION OTHER_NAMESPACE");
  EXPECT_EQ(InfoOf(&api_, "right").counters().published_messages(), 0);
}

TEST_F(Isolation, AClientCannotResumeInAnotherNamespace) {
  v1::ConnectRequest request = Named("right");
  request.set_session(left_.session());
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Connect, request)), "FAILED_PRECONDITION OTHER_NAMESPACE");
  EXPECT_EQ(InfoOf(&api_, "right").clients(), 1);
}

TEST_F(Isolation, ListsAndCountsShowOneNamespace) {
  left_.Join({"room", "left-room"});
  right_.Join({"room"});
  auto left = left_.Subscribe("DB");
  auto right = right_.Subscribe("DB");
  left_.Publish("DB", "E", "");

  v1::ListClientsRequest clients;
  clients.set_namespace_("left");
  clients.mutable_filter()->set_room("room");
  clients.mutable_filter()->set_queue("DB");
  clients.mutable_filter()->set_name("twin");
  (*clients.mutable_filter()->mutable_labels())["side"] = "any";
  const auto found = api_.Get(&v1::Registry::Stub::ListClients, clients).clients();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].id(), left_.id());

  v1::CountClientsRequest count;
  count.set_namespace_("left");
  *count.mutable_filter() = clients.filter();
  EXPECT_EQ(api_.Get(&v1::Registry::Stub::CountClients, count).count(), 1);

  v1::ListRoomsRequest rooms;
  rooms.set_namespace_("right");
  const auto right_rooms = api_.Get(&v1::Registry::Stub::ListRooms, rooms).rooms();
  ASSERT_THAT(right_rooms, SizeIs(1));
  EXPECT_EQ(right_rooms[0].members(), 1);

  v1::ListSubscriptionsRequest subscriptions;
  subscriptions.set_namespace_("right");
  const auto right_subscriptions = api_.Get(&v1::Registry::Stub::ListSubscriptions, subscriptions).subscriptions();
  ASSERT_THAT(right_subscriptions, SizeIs(1));
  EXPECT_EQ(right_subscriptions[0].client_id(), right_.id());
  subscriptions.set_client_id(left_.id());
  EXPECT_THAT(api_.Get(&v1::Registry::Stub::ListSubscriptions, subscriptions).subscriptions(), SizeIs(0));

  v1::ListQueuesRequest queues;
  queues.set_namespace_("right");
  queues.set_queue("DB");
  const auto right_queues = api_.Get(&v1::Registry::Stub::ListQueues, queues).queues();
  ASSERT_THAT(right_queues, SizeIs(1));
  EXPECT_EQ(right_queues[0].last_sequence(), 0);
  EXPECT_EQ(right_queues[0].subscriptions(), 1);

  v1::GetClientRequest get;
  get.set_namespace_("right");
  get.set_client_id(left_.id());
  EXPECT_EQ(Summary(api_.Try(&v1::Registry::Stub::GetClient, get)),
            absl::StrCat("NOT_FOUND CLIENT_NOT_FOUND client=", left_.id(), " namespace=right"));
}

TEST_F(Isolation, AWatchOfOneNamespaceSeesNothingOfTheOther) {
  v1::WatchRequest request;
  request.set_namespace_("left");
  auto context = NewContext();
  auto watch = api_.registry().Watch(context.get(), request);
  v1::WatchResponse response;
  ASSERT_TRUE(watch->Read(&response));
  right_.Join({"room"});
  left_.Join({"room"});
  std::vector<std::string> kinds;
  while (kinds.size() < 2 && watch->Read(&response)) {
    for (const v1::Change& change : response.changes()) {
      EXPECT_EQ(change.namespace_(), "left");
      kinds.push_back(v1::ChangeKind_Name(change.kind()));
    }
  }
  EXPECT_THAT(kinds, ElementsAre("CHANGE_KIND_ROOM_CREATED", "CHANGE_KIND_ROOM_JOINED"));
  context->TryCancel();
  watch->Finish();
}

}  // namespace
}  // namespace nmq::integration
