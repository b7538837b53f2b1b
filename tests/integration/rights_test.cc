// nmqd with grants for some queues and rooms: each rpc there is, about one's own and those of others, that are there or
// not.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "nmq/v1/admin.grpc.pb.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/integration/raw_call.h"

namespace nmq::integration {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kConfig[] = R"(namespace { name: "shop"
    queue { name: "mine.here" durability: DURABILITY_DURABLE }
    queue { name: "theirs.here" durability: DURABILITY_DURABLE } })";
constexpr char kAllRights[] =
    "right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE right: RIGHT_JOIN right: RIGHT_INSPECT right: "
    "RIGHT_ADMIN";
constexpr char kMine[] = "queue: 'mine.*' room: 'mine.*' ";
constexpr absl::Duration kEndsWithin = absl::Seconds(5);

// A call of an rpc that is about queue $Q and room $R, by session $S, and what comes of it: of a queue that is there,
// of one that is not, both the caller's; of a queue of others; of a room of others. Empty: as of the first.
struct Row {
  const char* request;
  const char* here;
  const char* gone = "";
  const char* other_queue = "";
  const char* other_room = "";
};

constexpr char kForbidden[] = "PERMISSION_DENIED FORBIDDEN";
constexpr char kNoQueue[] = "NOT_FOUND QUEUE_NOT_FOUND";
constexpr char kNoGroup[] = "NOT_FOUND GROUP_NOT_FOUND";

const std::map<std::string, Row>& Rows() {
  static const auto* const rows = new std::map<std::string, Row>{
      {"Connect", {"namespace: 'shop'", "OK"}},
      {"Disconnect", {"session: '$S'", "OK"}},
      {"Join", {"session: '$S' rooms: '$R'", "OK", "", "", kForbidden}},
      {"Leave", {"session: '$S' rooms: '$R'", "OK", "", "", kForbidden}},
      {"Publish",
       {"session: '$S' message { queue: '$Q' event: 'E' audience { rooms: '$R' except_rooms: '$R' } }", "OK", kNoQueue,
        kNoQueue, kForbidden}},
      {"PublishStream",
       {"session: '$S' messages { queue: '$Q' event: 'E' audience { rooms: '$R' except_rooms: '$R' } }", "OK", kNoQueue,
        kNoQueue, kForbidden}},
      {"Subscribe",
       {"session: '$S' patterns { queue: '$Q' } rooms: '$R' group { name: 'g' rooms: '$R' dead_letter_queue: '$Q.dead' "
        "}",
        "OK", kNoQueue, kNoQueue, kForbidden}},
      {"Acknowledge",
       {"session: '$S' queue: '$Q' group: 'none' acknowledgements { first: 1 done: true }", kNoGroup, kNoQueue,
        kNoQueue}},
      {"Request",
       {"session: '$S' message { queue: '$Q' event: 'E' audience { rooms: '$R' except_rooms: '$R' } }",
        "UNAVAILABLE NOBODY_LISTENS", kNoQueue, kNoQueue, kForbidden}},
      {"Reply", {"session: '$S' reply_to: 'unknown'", "NOT_FOUND QUESTION_NOT_FOUND"}},
      {"ListNamespaces", {"", "OK"}},
      {"ListQueues", {"namespace: 'shop' queue: '$Q'", "OK"}},
      {"ListRooms", {"namespace: 'shop' room: '$R'", "OK"}},
      {"ListClients", {"namespace: 'shop' filter { room: '$R' queue: '$Q' }", "OK"}},
      {"ListSubscriptions", {"namespace: 'shop' queue: '$Q'", "OK"}},
      {"ListGroups", {"namespace: 'shop' queue: '$Q'", "OK"}},
      {"GetClient", {"namespace: 'shop' client_id: 'none'", "NOT_FOUND CLIENT_NOT_FOUND"}},
      {"CountClients", {"namespace: 'shop' filter { room: '$R' queue: '$Q' }", "OK"}},
      {"ListMetrics", {"", kForbidden}},
      {"Explain", {"right: RIGHT_PUBLISH namespace: 'shop' queue: '$Q' room: '$R'", "OK"}},
      {"Watch", {"namespace: 'shop'", "OK"}},
      {"CreateNamespace", {"name: 'shop'", kForbidden}},
      {"UpdateNamespace", {"name: 'shop'", kForbidden}},
      {"DeleteNamespace", {"name: 'shop'", kForbidden}},
      {"CreateQueue", {"namespace: 'shop' name: '$Q'", "ALREADY_EXISTS QUEUE_EXISTS", "OK", kForbidden}},
      {"UpdateQueue", {"namespace: 'shop' name: '$Q'", "FAILED_PRECONDITION DECLARED", kNoQueue, kNoQueue}},
      {"DeleteQueue", {"namespace: 'shop' name: '$Q'", "FAILED_PRECONDITION DECLARED", kNoQueue, kNoQueue}},
      {"PurgeQueue", {"namespace: 'shop' name: '$Q'", "OK", kNoQueue, kNoQueue}},
      {"CreateGroup",
       {"namespace: 'shop' queue: '$Q' options { name: 'h' rooms: '$R' dead_letter_queue: '$Q.dead' }", "OK", kNoQueue,
        kNoQueue, kForbidden}},
      {"DeleteGroup", {"namespace: 'shop' queue: '$Q' group: 'none'", kNoGroup, kNoQueue, kNoQueue}},
      {"PauseGroup", {"namespace: 'shop' queue: '$Q' group: 'none'", kNoGroup, kNoQueue, kNoQueue}},
      {"ResumeGroup", {"namespace: 'shop' queue: '$Q' group: 'none'", kNoGroup, kNoQueue, kNoQueue}},
      {"SeekGroup", {"namespace: 'shop' queue: '$Q' group: 'none'", kNoGroup, kNoQueue, kNoQueue}},
      {"RedriveDeadLetters", {"namespace: 'shop' queue: '$Q'", "OK", kNoQueue, kNoQueue}},
      {"MoveClients",
       {"namespace: 'shop' filter { room: '$R' queue: '$Q' } join: '$R' leave: '$R'", "OK", "", kForbidden,
        kForbidden}},
      {"DisconnectClients", {"namespace: 'shop' filter { room: '$R' queue: '$Q' }", kForbidden}},
  };
  return *rows;
}

std::string CodeName(int code) { return absl::StatusCodeToString(static_cast<absl::StatusCode>(code)); }

// "NOT_FOUND QUEUE_NOT_FOUND".
std::string Shown(const google::rpc::Status& status) {
  if (status.code() == 0) return "OK";
  std::string shown = CodeName(status.code());
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) absl::StrAppend(&shown, " ", info.reason());
  }
  return shown;
}

// All that a caller is told, with other names in the place of some.
std::string Told(const google::rpc::Status& status, const std::vector<std::pair<std::string, std::string>>& others) {
  std::string told = absl::StrCat(status.code(), " ", status.message());
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    if (!detail.UnpackTo(&info)) continue;
    absl::StrAppend(&told, " ", info.reason());
    const std::map<std::string, std::string> sorted(info.metadata().begin(), info.metadata().end());
    for (const auto& [name, value] : sorted) absl::StrAppend(&told, " ", name, "=", value);
  }
  return absl::StrReplaceAll(told, others);
}

// The same of an answer; when it was read is no secret.
std::string Told(const MethodDescriptor& method, const std::string& response,
                 const std::vector<std::pair<std::string, std::string>>& others) {
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.output_type())->New());
  EXPECT_TRUE(message->ParseFromString(response));
  const FieldDescriptor* const revision = method.output_type()->FindFieldByName("revision");
  if (revision != nullptr) message->GetReflection()->ClearField(message.get(), revision);
  return method.name() == "Connect" ? "" : absl::StrReplaceAll(message->ShortDebugString(), others);
}

// Whether a field of a request names a queue or a room, by how such fields are called.
bool NamesSomething(const FieldDescriptor& field) {
  if (field.type() != FieldDescriptor::TYPE_STRING) return false;
  static const auto* const names =
      new std::vector<std::string>{"queue", "room", "rooms", "join", "leave", "except_rooms", "dead_letter_queue"};
  if (std::find(names->begin(), names->end(), field.name()) != names->end()) return true;
  return field.name() == "name" && absl::EndsWith(field.containing_type()->name(), "QueueRequest");
}

// The fields of a request that name something and are not set, but for what only the server says.
void FindUnset(const Message& message, const std::string& path, std::vector<std::string>* unset) {
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string at = absl::StrCat(path, field.name());
    const auto& reflection = *message.GetReflection();
    if (NamesSomething(field)) {
      const bool set = field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                                           : !reflection.GetString(message, &field).empty();
      if (!set) unset->push_back(at);
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field.is_map()) continue;
    if (field.name() == "start" || field.name() == "dead_letter") continue;  // positions; output
    if (field.is_repeated()) {
      if (reflection.FieldSize(message, &field) > 0) {
        FindUnset(reflection.GetRepeatedMessage(message, &field, 0), at + ".", unset);
      }
    } else {
      FindUnset(reflection.GetMessage(message, &field), at + ".", unset);
    }
  }
}

class RightsByFile : public testing::Test {
 protected:
  static std::string Identity(const std::string& name, const NewToken& token) {
    return absl::StrCat("identity { name: '", name, "' token: '", token.kept, "' }\n");
  }
  // What the caller may do in the namespace shop, as grants; the boss may do everything.
  void Grant(const std::vector<std::string>& grants) {
    std::string text = absl::StrCat(Identity("boss", boss_), Identity("caller", caller_),
                                    "grant { identity: 'boss' namespace: '**' ", kAllRights, " }\n");
    for (const std::string& grant : grants) {
      absl::StrAppend(&text, "grant { identity: 'caller' namespace: 'shop' ", grant, " }\n");
    }
    path_ = WriteFile("access.textproto", text);
  }
  void Start() {
    nmqd_ = std::make_unique<Nmqd>(
        std::vector<std::string>{"--config=" + WriteFile("config.textproto", kConfig), "--access=" + path_,
                                 "--data_dir=" + testing::TempDir() + "/rights_" +
                                     testing::UnitTest::GetInstance()->current_test_info()->name()});
    channel_ = NewChannel(nmqd_->address());
    queue_ = v1::MessageQueue::NewStub(channel_);
    registry_ = v1::Registry::NewStub(channel_);
  }
  std::unique_ptr<grpc::ClientContext> As(const NewToken& token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    context->AddMetadata("authorization", "Bearer " + token.token);
    return context;
  }
  std::string Connect(const NewToken& token) {
    v1::ConnectRequest request;
    request.set_namespace_("shop");
    v1::ConnectResponse response;
    const grpc::Status status = queue_->Connect(As(token).get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.session();
  }
  std::string Join(const NewToken& token, const std::vector<std::string>& rooms) {
    v1::JoinRequest request;
    request.set_session(Connect(token));
    for (const std::string& room : rooms) request.add_rooms(room);
    v1::JoinResponse response;
    EXPECT_TRUE(queue_->Join(As(token).get(), request, &response).ok());
    return request.session();
  }

  static std::unique_ptr<Message> RequestOf(const MethodDescriptor& method, const Row& row, const std::string& queue,
                                            const std::string& room, const std::string& session) {
    std::unique_ptr<Message> request(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.input_type())->New());
    const std::string text = absl::StrReplaceAll(row.request, {{"$Q", queue}, {"$R", room}, {"$S", session}});
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << method.name() << text;
    return request;
  }
  // How the call ended; OK as soon as there is a message, which is in `response`.
  google::rpc::Status Call(const MethodDescriptor& method, const Message& request, const NewToken& token,
                           std::string* response) {
    RawCall call(channel_, PathOf(method), As(token));
    if (call.Write(request.SerializeAsString())) call.WritesDone();
    google::rpc::Status result;
    if (call.Read(response)) {
      v1::PublishStreamResponse answer;
      if (method.name() == "PublishStream" && answer.ParseFromString(*response)) result = answer.refused();
      return result;
    }
    const grpc::Status status = call.Finish();
    result.ParseFromString(status.error_details());
    result.set_code(status.error_code());
    result.set_message(status.error_message());
    return result;
  }
  google::rpc::Status CallRow(const MethodDescriptor& method, const std::string& queue, const std::string& room,
                              std::string* response) {
    v1::DisconnectRequest leave;
    leave.set_session(Connect(caller_));
    const auto request = RequestOf(method, Rows().at(method.name()), queue, room, leave.session());
    google::rpc::Status result = Call(method, *request, caller_, response);
    // The next call finds what this one found.
    v1::DisconnectResponse left;
    queue_->Disconnect(As(caller_).get(), leave, &left);
    if (method.name() == "CreateQueue" && result.code() == 0) DeleteQueue(queue);
    return result;
  }
  void DeleteQueue(const std::string& queue) {
    v1::DeleteQueueRequest request;
    request.set_namespace_("shop");
    request.set_name(queue);
    v1::DeleteQueueResponse response;
    EXPECT_TRUE(v1::Admin::NewStub(channel_)->DeleteQueue(As(boss_).get(), request, &response).ok());
  }

  v1::PublishResponse Publish(const std::string& queue, const std::string& event) {
    v1::PublishRequest request;
    request.set_namespace_("shop");
    request.mutable_message()->set_queue(queue);
    request.mutable_message()->set_event(event);
    v1::PublishResponse response;
    EXPECT_TRUE(queue_->Publish(As(boss_).get(), request, &response).ok());
    return response;
  }
  std::unique_ptr<RawCall> Subscribe(const std::string& session, const std::string& queue) {
    v1::SubscribeRequest request;
    request.set_session(session);
    request.add_patterns()->set_queue(queue);
    auto call = std::make_unique<RawCall>(channel_, "/nmq.v1.MessageQueue/Subscribe", As(caller_));
    EXPECT_TRUE(call->Write(request.SerializeAsString()));
    std::string ready;
    EXPECT_TRUE(call->Read(&ready));
    return call;
  }

  const NewToken boss_ = MakeToken(SystemRandom());
  const NewToken caller_ = MakeToken(SystemRandom());
  std::string path_;
  std::unique_ptr<Nmqd> nmqd_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::MessageQueue::Stub> queue_;
  std::unique_ptr<v1::Registry::Stub> registry_;
};

TEST_F(RightsByFile, EachRpcSaysWhatItNames) {
  for (const MethodDescriptor* method : AllMethods()) {
    const auto row = Rows().find(method->name());
    ASSERT_NE(row, Rows().end()) << method->full_name() << " has no row: add what it names, and what comes of it";
    std::vector<std::string> unset;
    FindUnset(*RequestOf(*method, row->second, "q", "r", "s"), "", &unset);
    EXPECT_THAT(unset, IsEmpty()) << method->full_name();
  }
}

TEST_F(RightsByFile, WhatBelongsToOthersLooksAsIfItWereNotThere) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  const std::string keeps_rooms = Join(boss_, {"mine.here", "theirs.here"});
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string& name = method->name();
    const Row& row = Rows().at(name);
    const auto expected = [&](const char* status) { return std::string(*status == '\0' ? row.here : status); };
    std::string response;
    EXPECT_EQ(Shown(CallRow(*method, "mine.here", "mine.here", &response)), row.here) << name;
    const google::rpc::Status absent = CallRow(*method, "mine.gone", "mine.here", &response);
    EXPECT_EQ(Shown(absent), expected(row.gone)) << name << ": " << absent.message();
    const std::vector<std::pair<std::string, std::string>> as_gone = {{"theirs.here", "theirs.gone"}};
    std::string of_here;
    std::string of_gone;
    const google::rpc::Status here = CallRow(*method, "theirs.here", "mine.here", &of_here);
    const google::rpc::Status gone = CallRow(*method, "theirs.gone", "mine.here", &of_gone);
    EXPECT_EQ(Shown(here), expected(row.other_queue)) << name << ": " << here.message();
    EXPECT_EQ(Told(here, as_gone), Told(gone, as_gone)) << name;
    EXPECT_EQ(Told(*method, of_here, as_gone), Told(*method, of_gone, as_gone)) << name;
    if (Shown(absent) == Shown(gone)) {
      EXPECT_EQ(Told(absent, {{"mine.gone", "theirs.gone"}}), Told(gone, {})) << name;
    }
    of_here.clear();
    of_gone.clear();
    const google::rpc::Status room = CallRow(*method, "mine.here", "theirs.here", &of_here);
    const google::rpc::Status no_room = CallRow(*method, "mine.here", "theirs.gone", &of_gone);
    EXPECT_EQ(Shown(room), expected(row.other_room)) << name << ": " << room.message();
    EXPECT_EQ(Told(room, as_gone), Told(no_room, as_gone)) << name;
    EXPECT_EQ(Told(*method, of_here, as_gone), Told(*method, of_gone, as_gone)) << name;
  }
}

TEST_F(RightsByFile, ListsCountsAndPagesHaveOnlyWhatMayBeSeen) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  const std::string seen = Join(boss_, {"mine.here", "theirs.here"});
  const std::string unseen = Join(boss_, {"theirs.here"});
  v1::ListNamespacesResponse namespaces;
  ASSERT_TRUE(registry_->ListNamespaces(As(caller_).get(), {}, &namespaces).ok());
  ASSERT_EQ(namespaces.namespaces_size(), 1);
  EXPECT_EQ(namespaces.namespaces(0).queues(), 1u);
  EXPECT_EQ(namespaces.namespaces(0).rooms(), 1u);
  EXPECT_EQ(namespaces.namespaces(0).clients(), 1u);
  EXPECT_EQ(namespaces.namespaces(0).counters().published_messages(), 0u);
  v1::ListQueuesRequest list_queues;
  list_queues.set_namespace_("shop");
  list_queues.set_page_size(1);
  v1::ListQueuesResponse queues;
  ASSERT_TRUE(registry_->ListQueues(As(caller_).get(), list_queues, &queues).ok());
  ASSERT_EQ(queues.queues_size(), 1);
  EXPECT_EQ(queues.queues(0).name(), "mine.here");
  EXPECT_EQ(queues.next_page_token(), "");
  v1::ListClientsRequest list_clients;
  list_clients.set_namespace_("shop");
  v1::ListClientsResponse clients;
  ASSERT_TRUE(registry_->ListClients(As(caller_).get(), list_clients, &clients).ok());
  ASSERT_EQ(clients.clients_size(), 1);
  EXPECT_THAT(clients.clients(0).rooms(), ElementsAre("mine.here"));
  EXPECT_EQ(clients.clients(0).identity(), "boss");
  v1::CountClientsRequest count;
  count.set_namespace_("shop");
  v1::CountClientsResponse counted;
  ASSERT_TRUE(registry_->CountClients(As(caller_).get(), count, &counted).ok());
  EXPECT_EQ(counted.count(), 1u);
  count.mutable_filter()->set_room("theirs.here");
  ASSERT_TRUE(registry_->CountClients(As(caller_).get(), count, &counted).ok());
  EXPECT_EQ(counted.count(), 0u);
}

TEST_F(RightsByFile, WatchTellsOnlyOfWhatMayBeSeen) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  v1::WatchRequest request;
  request.set_namespace_("shop");
  RawCall watch(channel_, "/nmq.v1.Registry/Watch", As(caller_));
  ASSERT_TRUE(watch.Write(request.SerializeAsString()));
  std::string bytes;
  ASSERT_TRUE(watch.Read(&bytes));
  Join(boss_, {"theirs.here", "mine.here"});
  v1::WatchResponse response;
  std::vector<std::string> rooms;
  while (rooms.size() < 2 && watch.Read(&bytes) && response.ParseFromString(bytes)) {
    for (const v1::Change& change : response.changes()) rooms.push_back(change.room());
  }
  EXPECT_THAT(rooms, ElementsAre("mine.here", "mine.here")) << "created, joined";
}

TEST_F(RightsByFile, SubscriptionToAPatternHearsOnlyTheQueuesThatItMay) {
  Grant({absl::StrCat("queue: 'mine.*' ", kAllRights)});
  Start();
  const auto stream = Subscribe(Connect(caller_), "**");
  Publish("theirs.here", "SECRET");
  Publish("mine.here", "E");
  std::string bytes;
  v1::SubscribeResponse frame;
  while (!frame.has_batch() && stream->Read(&bytes)) ASSERT_TRUE(frame.ParseFromString(bytes));
  ASSERT_EQ(frame.batch().messages_size(), 1);
  EXPECT_EQ(frame.batch().messages(0).queue(), "mine.here");
}

TEST_F(RightsByFile, WhoIsBoundToRoomsDoesNotPublishToEveryone) {
  Grant({absl::StrCat("room: 'mine.*' ", kAllRights)});
  Start();
  v1::PublishRequest request;
  request.set_namespace_("shop");
  request.mutable_message()->set_queue("mine.here");
  request.mutable_message()->set_event("E");
  v1::PublishResponse response;
  const grpc::Status status = queue_->Publish(As(caller_).get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("all rooms"));
  request.mutable_message()->mutable_audience()->add_rooms("mine.here");
  EXPECT_TRUE(queue_->Publish(As(caller_).get(), request, &response).ok());
  // Somebody is asked by name.
  request.mutable_message()->mutable_audience()->add_clients("somebody");
  EXPECT_EQ(queue_->Publish(As(caller_).get(), request, &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(RightsByFile, QueueAndRoomOfAMessageMustBeOfOneGrant) {
  Grant({absl::StrCat("queue: 'mine.here' room: 'a' ", kAllRights),
         absl::StrCat("queue: 'theirs.here' room: 'b' ", kAllRights)});
  Start();
  const auto publish = [&](const std::string& queue, const std::string& room) {
    v1::PublishRequest request;
    request.set_namespace_("shop");
    request.mutable_message()->set_queue(queue);
    request.mutable_message()->set_event("E");
    request.mutable_message()->mutable_audience()->add_rooms(room);
    v1::PublishResponse response;
    return queue_->Publish(As(caller_).get(), request, &response).error_code();
  };
  EXPECT_EQ(publish("mine.here", "a"), grpc::StatusCode::OK);
  EXPECT_EQ(publish("theirs.here", "b"), grpc::StatusCode::OK);
  EXPECT_EQ(publish("mine.here", "b"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(publish("theirs.here", "a"), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(RightsByFile, StreamsEndWhenTheirQueueIsTakenBack) {
  Grant({kAllRights});
  Start();
  const auto by_name = Subscribe(Connect(caller_), "theirs.here");
  const auto by_pattern = Subscribe(Connect(caller_), "**");
  const auto stays = Subscribe(Connect(caller_), "mine.here");
  Grant({absl::StrCat("queue: 'mine.*' ", kAllRights)});
  const absl::Time begin = absl::Now();
  EXPECT_EQ(by_name->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  const grpc::Status status = by_pattern->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("subscribe"));
  EXPECT_LT(absl::Now() - begin, kEndsWithin);
  Publish("mine.here", "E");
  std::string bytes;
  EXPECT_TRUE(stays->Read(&bytes));
}

TEST_F(RightsByFile, QuestionThatWaitsEndsWhenTheRightToAskIsTakenBack) {
  Grant({kAllRights});
  Start();
  const auto hears = Subscribe(Connect(caller_), "mine.here");
  v1::RequestRequest request;
  request.set_namespace_("shop");
  request.mutable_message()->set_queue("mine.here");
  request.mutable_message()->set_event("E");
  request.mutable_timeout()->set_seconds(20);
  RawCall question(channel_, "/nmq.v1.MessageQueue/Request", As(caller_));
  ASSERT_TRUE(question.Write(request.SerializeAsString()));
  ASSERT_TRUE(question.WritesDone());
  std::string bytes;
  ASSERT_TRUE(hears->Read(&bytes)) << "it is asked";
  Grant({"right: RIGHT_CONNECT right: RIGHT_SUBSCRIBE"});
  const absl::Time begin = absl::Now();
  const grpc::Status status = question.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_LT(absl::Now() - begin, kEndsWithin);
}

TEST_F(RightsByFile, SessionEndsWhenTheRightToConnectIsTakenBack) {
  Grant({kAllRights});
  Start();
  Join(caller_, {"r"});
  Grant({"right: RIGHT_INSPECT"});
  EXPECT_TRUE(WaitUntil(
      [&] {
        v1::CountClientsRequest count;
        count.set_namespace_("shop");
        v1::CountClientsResponse counted;
        return registry_->CountClients(As(boss_).get(), count, &counted).ok() && counted.count() == 0;
      },
      kEndsWithin));
}

TEST_F(RightsByFile, ClientIsTakenOutOfARoomThatItMayNotJoinAnyMore) {
  Grant({kAllRights});
  Start();
  const std::string session = Join(caller_, {"mine.here", "theirs.here"});
  const auto stream = Subscribe(session, "mine.here");
  Grant({absl::StrCat("room: 'mine.*' ", kAllRights)});
  const absl::Time begin = absl::Now();
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("theirs.here"));
  EXPECT_LT(absl::Now() - begin, kEndsWithin);
  v1::ListRoomsRequest list;
  list.set_namespace_("shop");
  v1::ListRoomsResponse rooms;
  ASSERT_TRUE(registry_->ListRooms(As(boss_).get(), list, &rooms).ok());
  ASSERT_EQ(rooms.rooms_size(), 1);
  EXPECT_EQ(rooms.rooms(0).name(), "mine.here");
}

TEST_F(RightsByFile, EverybodyMayAskWhatItMayDo) {
  Grant({"right: RIGHT_CONNECT", absl::StrCat("queue: 'mine.*' right: RIGHT_PUBLISH")});
  Start();
  const auto explain = [&](const NewToken& token, const std::string& text, v1::ExplainResponse* response) {
    v1::ExplainRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return registry_->Explain(As(token).get(), request, response);
  };
  v1::ExplainResponse response;
  ASSERT_TRUE(explain(caller_, "", &response).ok());
  EXPECT_EQ(response.identity(), "caller");
  EXPECT_EQ(response.known_by(), "token");
  EXPECT_EQ(response.token_id(), std::string(IdOfToken(caller_.token)));
  ASSERT_EQ(response.grants_size(), 2);
  EXPECT_FALSE(response.allowed());
  ASSERT_TRUE(explain(caller_, "right: RIGHT_PUBLISH namespace: 'shop' queue: 'mine.gone'", &response).ok());
  EXPECT_TRUE(response.allowed());
  EXPECT_EQ(response.by().line(), 5u);
  EXPECT_THAT(response.by().queues(), ElementsAre("mine.*"));
  ASSERT_TRUE(explain(caller_, "right: RIGHT_PUBLISH namespace: 'shop' queue: 'theirs.here'", &response).ok());
  EXPECT_FALSE(response.allowed());
  EXPECT_EQ(explain(caller_, "identity: 'boss'", &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(explain(caller_, "identity: 'nobody'", &response).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  ASSERT_TRUE(explain(boss_, "identity: 'caller' right: RIGHT_JOIN namespace: 'shop'", &response).ok());
  EXPECT_FALSE(response.allowed());
}

}  // namespace
}  // namespace nmq::integration
