// What is wrong with a request: status, message and details.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

class BadInput : public testing::Test {
 protected:
  // Each rpc, with a request that is right but for what `change` does to it.
  grpc::Status Connect(const std::function<void(v1::ConnectRequest*)>& change) {
    v1::ConnectRequest request;
    change(&request);
    return api_.Try(&v1::MessageQueue::Stub::Connect, request);
  }
  grpc::Status Join(const std::function<void(v1::JoinRequest*)>& change) {
    v1::JoinRequest request;
    request.set_session(client_.session());
    request.add_rooms("A");
    change(&request);
    return api_.Try(&v1::MessageQueue::Stub::Join, request);
  }
  grpc::Status Leave(const std::function<void(v1::LeaveRequest*)>& change) {
    v1::LeaveRequest request;
    request.set_session(client_.session());
    request.add_rooms("A");
    change(&request);
    return api_.Try(&v1::MessageQueue::Stub::Leave, request);
  }
  grpc::Status Publish(const std::function<void(v1::PublishRequest*)>& change) {
    v1::PublishRequest request;
    request.set_session(client_.session());
    *request.mutable_message() = MakeMessage("DB", "CREATE", "text");
    change(&request);
    return api_.Try(&v1::MessageQueue::Stub::Publish, request);
  }
  grpc::Status Subscribe(const std::function<void(v1::SubscribeRequest*)>& change) {
    v1::SubscribeRequest request = client_.SubscribeRequest("DB", "CREATE");
    change(&request);
    return Listener(&api_, request).End();
  }
  // Each must be refused for this field, and say so in its message.
  void ExpectInvalid(const grpc::Status& status, const std::string& field, const std::string& text) {
    EXPECT_EQ(Summary(status), absl::StrCat("INVALID_ARGUMENT INVALID_FIELD field=", field));
    EXPECT_THAT(status.error_message(), testing::StartsWith(absl::StrCat(field, ": ")));
    EXPECT_THAT(status.error_message(), HasSubstr(text));
  }

  TestServer server_{kShopConfig};
  Api api_{server_};
  TestClient client_{&api_, "shop"};
};

TEST_F(BadInput, WhatIsNoNameIsRefusedWhereverItStands) {
  for (const std::string& name : {std::string("a b"), std::string("a/b"), std::string("*"), std::string("\n"),
                                  std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    ExpectInvalid(Connect([&](auto* r) { r->set_namespace_(name); }), "namespace", "");
    ExpectInvalid(Connect([&](auto* r) { r->set_name(name); }), "name", "");
    ExpectInvalid(Join([&](auto* r) { r->add_rooms(name); }), "rooms[1]", "");
    ExpectInvalid(Leave([&](auto* r) { r->add_rooms(name); }), "rooms[1]", "");
    ExpectInvalid(Publish([&](auto* r) { r->mutable_message()->set_queue(name); }), "queue", "");
    ExpectInvalid(Publish([&](auto* r) { r->mutable_message()->set_event(name); }), "event", "");
    auto audience = [](auto* r) { return r->mutable_message()->mutable_audience(); };
    ExpectInvalid(Publish([&](auto* r) { audience(r)->add_rooms(name); }), "audience.rooms[0]", "");
    ExpectInvalid(Publish([&](auto* r) { audience(r)->add_clients(name); }), "audience.clients[0]", "");
    ExpectInvalid(Publish([&](auto* r) { audience(r)->add_except_rooms(name); }), "audience.except_rooms[0]", "");
    ExpectInvalid(Publish([&](auto* r) { audience(r)->add_except_clients(name); }), "audience.except_clients[0]", "");
    ExpectInvalid(Subscribe([&](auto* r) { r->add_rooms(name); }), "rooms[0]", "");
  }
  EXPECT_EQ(InfoOf(&api_, "shop").rooms(), 0);
  EXPECT_EQ(InfoOf(&api_, "shop").counters().published_messages(), 0);
}

TEST_F(BadInput, WhatIsNoPatternIsRefused) {
  for (const char* pattern : {"", "a*", "**.a", "a..b*", "a b", "***", "a.**.b"}) {
    ExpectInvalid(Subscribe([&](auto* r) { r->add_patterns()->set_queue(pattern); }), "patterns[1].queue", "");
    if (*pattern == '\0') continue;  // every event
    ExpectInvalid(Subscribe([&](auto* r) { r->mutable_patterns(0)->set_event(pattern); }), "patterns[0].event", "");
  }
  ExpectInvalid(Subscribe([](auto* r) { r->clear_patterns(); }), "patterns", "is empty");
}

TEST_F(BadInput, EmptyIsNoSession) {
  ExpectInvalid(Join([](auto* r) { r->clear_session(); }), "session", "is empty");
  ExpectInvalid(Leave([](auto* r) { r->clear_session(); }), "session", "is empty");
  ExpectInvalid(Subscribe([](auto* r) { r->clear_session(); }), "session", "is empty");
  ExpectInvalid(api_.Try(&v1::MessageQueue::Stub::Disconnect, v1::DisconnectRequest()), "session", "is empty");
}

TEST_F(BadInput, AnUnknownSessionIsNotFound) {
  for (const std::string& session :
       {std::string("nonsense"), std::string("c-a.b.c"), client_.id(), std::string(3, '.'), std::string(10'000, 's')}) {
    for (const grpc::Status& status :
         {Join([&](auto* r) { r->set_session(session); }), Leave([&](auto* r) { r->set_session(session); }),
          Publish([&](auto* r) { r->set_session(session); }), Subscribe([&](auto* r) { r->set_session(session); })}) {
      EXPECT_EQ(Summary(status), "NOT_FOUND SESSION_UNKNOWN");
      EXPECT_THAT(status.error_message(), HasSubstr("Connect"));
    }
  }
}

TEST_F(BadInput, AnUndeclaredNamespaceIsNotFound) {
  const std::string expected = "NOT_FOUND NAMESPACE_NOT_FOUND namespace=nowhere";
  EXPECT_EQ(Summary(Connect([](auto* r) { r->set_namespace_("nowhere"); })), expected);
  EXPECT_EQ(Summary(Publish([](auto* r) {
              r->clear_session();
              r->set_namespace_("nowhere");
            })),
            expected);
  auto list = [&](auto method, auto request) {
    request.set_namespace_("nowhere");
    EXPECT_EQ(Summary(api_.Try(method, request)), expected);
  };
  list(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest());
  list(&v1::Registry::Stub::ListRooms, v1::ListRoomsRequest());
  list(&v1::Registry::Stub::ListClients, v1::ListClientsRequest());
  list(&v1::Registry::Stub::ListSubscriptions, v1::ListSubscriptionsRequest());
  list(&v1::Registry::Stub::CountClients, v1::CountClientsRequest());
  v1::GetClientRequest get;
  get.set_client_id("c-a");
  list(&v1::Registry::Stub::GetClient, get);
  v1::WatchRequest watch;
  watch.set_namespace_("nowhere");
  auto context = NewContext();
  EXPECT_EQ(Summary(api_.registry().Watch(context.get(), watch)->Finish()), expected);
}

TEST_F(BadInput, ConnectSaysWhatIsWrong) {
  ExpectInvalid(Connect([](auto* r) { (*r->mutable_labels())[""] = "value"; }), "labels", "name is empty");
  ExpectInvalid(Connect([](auto* r) { r->mutable_lease()->set_seconds(1); }), "lease", "1s is not in 5s to 10m");
}

TEST_F(BadInput, NoRoomsAreNotEnough) {
  ExpectInvalid(Join([](auto* r) { r->clear_rooms(); }), "rooms", "is empty");
  ExpectInvalid(Leave([](auto* r) { r->clear_rooms(); }), "rooms", "is empty");
}

TEST_F(BadInput, AJoinThatIsRefusedJoinsNoRoomAtAll) {
  ExpectInvalid(Join([](auto* r) { r->add_rooms("not a room"); }), "rooms[1]", "\"not a room\"");
  EXPECT_EQ(InfoOf(&api_, "shop").rooms(), 0);
}

TEST_F(BadInput, PublishSaysWhatIsWrong) {
  ExpectInvalid(Publish([](auto* r) { r->clear_message(); }), "message", "is not set");
  ExpectInvalid(Publish([](auto* r) { (*r->mutable_message()->mutable_headers())[""] = "value"; }), "headers",
                "name is empty");
  ExpectInvalid(Publish([](auto* r) {
                  r->clear_session();
                  r->mutable_message()->mutable_audience()->set_except_publisher(true);
                }),
                "audience.except_publisher", "session");
  EXPECT_EQ(Summary(Publish([](auto* r) { r->set_namespace_("default"); })), "FAILED_PRECONDITION OTHER_NAMESPACE");
  EXPECT_EQ(Summary(Publish([](auto* r) { r->mutable_message()->mutable_audience()->add_clients("c-nobody"); })),
            "NOT_FOUND CLIENT_NOT_FOUND client=c-nobody namespace=shop");
}

TEST_F(BadInput, SubscribeSaysWhatIsWrong) {
  ExpectInvalid(Subscribe([](auto* r) { r->mutable_start()->set_earliest(false); }), "start.earliest", "");
  ExpectInvalid(Subscribe([](auto* r) { r->mutable_start()->set_last(0); }), "start.last", "0 is not in 1 to 1000000");
  ExpectInvalid(Subscribe([](auto* r) { r->mutable_start()->set_last(1'000'001); }), "start.last", "1000001");
  ExpectInvalid(Subscribe([](auto* r) { r->mutable_start()->set_sequence(0); }), "start.sequence", "");
  ExpectInvalid(Subscribe([](auto* r) { r->set_overflow(static_cast<v1::Overflow>(9)); }), "overflow", "9");
  EXPECT_EQ(InfoOf(&api_, "shop").subscriptions(), 0);
}

TEST_F(BadInput, RegistryRequestsSayWhatIsWrong) {
  v1::ListClientsRequest clients;
  clients.mutable_filter()->set_queue("*");
  ExpectInvalid(api_.Try(&v1::Registry::Stub::ListClients, clients), "filter.queue", "\"*\"");
  v1::ListQueuesRequest queues;
  queues.set_queue("a*");
  ExpectInvalid(api_.Try(&v1::Registry::Stub::ListQueues, queues), "queue", "\"a*\"");
  v1::ListSubscriptionsRequest subscriptions;
  subscriptions.set_event("no event");
  ExpectInvalid(api_.Try(&v1::Registry::Stub::ListSubscriptions, subscriptions), "event", "\"no event\"");
  ExpectInvalid(api_.Try(&v1::Registry::Stub::GetClient, v1::GetClientRequest()), "client_id", "is empty");
  for (const std::string& token : {std::string("nonsense"), std::string("clients/default/c-a")}) {
    v1::ListRoomsRequest rooms;
    rooms.set_page_token(token);
    ExpectInvalid(api_.Try(&v1::Registry::Stub::ListRooms, rooms), "page_token", "");
  }
}

TEST_F(BadInput, WhatCallersSentIsPrintableInMessages) {
  const grpc::Status status = Publish([](auto* r) { r->mutable_message()->set_queue("line\nbreak\x01"); });
  for (const char c : status.error_message()) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
}

}  // namespace
}  // namespace nmq::integration
