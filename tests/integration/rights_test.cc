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
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
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
  std::unique_ptr<RawCall> TrySubscribe(const NewToken& token, const std::string& session, const std::string& text) {
    auto request = Parsed<v1::SubscribeRequest>(text);
    request.set_session(session);
    auto call = std::make_unique<RawCall>(channel_, "/nmq.v1.MessageQueue/Subscribe", As(token));
    EXPECT_TRUE(call->Write(request.SerializeAsString()));
    return call;
  }
  std::unique_ptr<RawCall> Subscribe(const std::string& session, const std::string& queue) {
    auto call = TrySubscribe(caller_, session, absl::StrCat("patterns { queue: '", queue, "' }"));
    std::string ready;
    EXPECT_TRUE(call->Read(&ready));
    return call;
  }
  // A request as text.
  template <typename Request>
  static Request Parsed(const std::string& text) {
    Request request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
    return request;
  }
  // Calls an rpc of Admin in the namespace shop.
  template <typename Request, typename Response>
  using AdminRpc = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  grpc::Status Administer(const NewToken& token, AdminRpc<Request, Response> rpc, const std::string& text,
                          Response* response) {
    auto request = Parsed<Request>(text);
    request.set_namespace_("shop");
    return (v1::Admin::NewStub(channel_).get()->*rpc)(As(token).get(), request, response);
  }
  grpc::Status CreateGroup(const NewToken& token, const std::string& text) {
    v1::CreateGroupResponse response;
    return Administer(token, &v1::Admin::Stub::CreateGroup, text, &response);
  }
  grpc::Status CreateQueue(const NewToken& token, const std::string& name) {
    v1::CreateQueueResponse response;
    return Administer(token, &v1::Admin::Stub::CreateQueue,
                      absl::StrCat("name: '", name, "' durability: DURABILITY_DURABLE"), &response);
  }
  // The boss gives up a message of queue theirs.here, whose dead letters go to `dead_letters`.
  void MakeDeadLetter(const std::string& dead_letters) {
    const std::string session = Connect(boss_);
    const auto stream = TrySubscribe(boss_, session,
                                     absl::StrCat("patterns { queue: 'theirs.here' } group { name: 'dying' "
                                                  "dead_letter_queue: '",
                                                  dead_letters, "' }"));
    std::string bytes;
    ASSERT_TRUE(stream->Read(&bytes));
    const v1::PublishResponse published = Publish("theirs.here", "E");
    auto request = Parsed<v1::AcknowledgeRequest>(absl::StrCat(
        "queue: 'theirs.here' group: 'dying' acknowledgements { terminate: 'no use' first: ", published.sequence(),
        " last: ", published.sequence(), " }"));
    request.set_session(session);
    v1::SubscribeResponse frame;
    while (!frame.has_batch() && stream->Read(&bytes)) ASSERT_TRUE(frame.ParseFromString(bytes));
    v1::AcknowledgeResponse response;
    ASSERT_TRUE(queue_->Acknowledge(As(boss_).get(), request, &response).ok());
    ASSERT_EQ(response.noted(), 1u);
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

TEST_F(RightsByFile, MemberOfAGroupNeedsTheRightForTheRoomsThatTheGroupHears) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  ASSERT_TRUE(CreateGroup(boss_, "queue: 'mine.here' options { name: 'g' rooms: 'theirs.here' }").ok());
  ASSERT_TRUE(CreateGroup(boss_, "queue: 'mine.here' options { name: 'h' rooms: 'mine.here' }").ok());
  const std::string session = Connect(caller_);
  const auto hears_theirs = TrySubscribe(caller_, session, "patterns { queue: 'mine.here' } group { name: 'g' }");
  std::string bytes;
  EXPECT_FALSE(hears_theirs->Read(&bytes));
  const grpc::Status status = hears_theirs->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("\"g\""), Not(HasSubstr("theirs")))) << "the room is hidden";
  const auto hears_mine = TrySubscribe(caller_, session, "patterns { queue: 'mine.here' } group { name: 'h' }");
  EXPECT_TRUE(hears_mine->Read(&bytes)) << hears_mine->Finish().error_message();
}

TEST_F(RightsByFile, MembersOfAGroupEndWhenARoomOfItIsTakenBack) {
  Grant({kAllRights});
  Start();
  const auto member = TrySubscribe(caller_, Connect(caller_),
                                   "patterns { queue: 'mine.here' } group { name: 'g' rooms: 'theirs.here' }");
  std::string bytes;
  ASSERT_TRUE(member->Read(&bytes));
  Grant({absl::StrCat("room: 'mine.*' ", kAllRights)});
  const absl::Time begin = absl::Now();
  EXPECT_EQ(member->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_LT(absl::Now() - begin, kEndsWithin);
}

TEST_F(RightsByFile, AnswersOfAdminTellOfAGroupWhatListsTell) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  ASSERT_TRUE(CreateGroup(boss_,
                          "queue: 'mine.here' options { name: 'g' rooms: 'mine.here' rooms: 'theirs.here' "
                          "dead_letter_queue: 'theirs.here' }")
                  .ok());
  const auto expect_hidden = [](const grpc::Status& status, const v1::GroupInfo& group) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(group.options().dead_letter_queue(), "");
    EXPECT_THAT(group.options().rooms(), ElementsAre("mine.here"));
  };
  const std::string group = "queue: 'mine.here' group: 'g'";
  v1::PauseGroupResponse paused;
  const grpc::Status pause = Administer(caller_, &v1::Admin::Stub::PauseGroup, group, &paused);
  expect_hidden(pause, paused.group());
  v1::SeekGroupResponse sought;
  const grpc::Status seek =
      Administer(caller_, &v1::Admin::Stub::SeekGroup, group + " start { earliest: true }", &sought);
  expect_hidden(seek, sought.group());
  v1::ResumeGroupResponse resumed;
  const grpc::Status resume = Administer(caller_, &v1::Admin::Stub::ResumeGroup, group, &resumed);
  expect_hidden(resume, resumed.group());
  ASSERT_TRUE(Administer(boss_, &v1::Admin::Stub::PauseGroup, group, &paused).ok());
  EXPECT_EQ(paused.group().options().dead_letter_queue(), "theirs.here");
}

TEST_F(RightsByFile, RefusalsOfAdminNameNoGroupThatMayNotBeSeen) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  ASSERT_TRUE(CreateQueue(boss_, "mine.made").ok());
  ASSERT_TRUE(
      CreateGroup(boss_, "queue: 'theirs.here' options { name: 'theirs.g' dead_letter_queue: 'mine.made' }").ok());
  v1::DeleteQueueResponse deleted;
  const std::string made = "name: 'mine.made'";
  const grpc::Status hidden = Administer(caller_, &v1::Admin::Stub::DeleteQueue, made, &deleted);
  EXPECT_EQ(hidden.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(hidden.error_message(), Not(HasSubstr("theirs")));
  EXPECT_THAT(hidden.error_details(), Not(HasSubstr("theirs")));
  EXPECT_THAT(Administer(boss_, &v1::Admin::Stub::DeleteQueue, made, &deleted).error_message(),
              HasSubstr("theirs.here"));
  // mine.made to mine.here, to theirs.here by the boss, to mine.made.
  ASSERT_TRUE(CreateGroup(boss_, "queue: 'mine.here' options { name: 'b' dead_letter_queue: 'theirs.here' }").ok());
  const std::string circle = "queue: 'mine.made' options { name: 'c' dead_letter_queue: 'mine.here' }";
  const grpc::Status goes_round = CreateGroup(caller_, circle);
  EXPECT_EQ(goes_round.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(goes_round.error_message(), Not(HasSubstr("theirs")));
  EXPECT_THAT(CreateGroup(boss_, circle).error_message(), HasSubstr("theirs.here"));
  const auto member = TrySubscribe(
      caller_, Connect(caller_), "patterns { queue: 'mine.made' } group { name: 'c' dead_letter_queue: 'mine.here' }");
  const grpc::Status status = member->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("theirs")));
}

TEST_F(RightsByFile, QuestionToEveryoneEndsWhenTheRightForAllRoomsIsTakenBack) {
  Grant({kAllRights});
  Start();
  const auto hears = Subscribe(Connect(caller_), "mine.here");
  RawCall question(channel_, "/nmq.v1.MessageQueue/Request", As(caller_));
  ASSERT_TRUE(question.Write(Parsed<v1::RequestRequest>("namespace: 'shop' message { queue: 'mine.here' event: 'E' } "
                                                        "timeout { seconds: 20 }")
                                 .SerializeAsString()));
  ASSERT_TRUE(question.WritesDone());
  std::string bytes;
  ASSERT_TRUE(hears->Read(&bytes)) << "it is asked";
  Grant({absl::StrCat("room: 'mine.*' ", kAllRights)});
  const absl::Time begin = absl::Now();
  const grpc::Status status = question.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  EXPECT_LT(absl::Now() - begin, kEndsWithin);
}

TEST_F(RightsByFile, RequestIdIsOfTheIdentityThatPublishes) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  const auto publish = [&](const NewToken& token) {
    v1::PublishResponse response;
    const auto request = Parsed<v1::PublishRequest>(
        "namespace: 'shop' message { queue: 'mine.here' event: 'E' request_id: 'one' audience { rooms: 'mine.here' } "
        "}");
    EXPECT_TRUE(queue_->Publish(As(token).get(), request, &response).ok());
    return response;
  };
  const v1::PublishResponse squatted = publish(caller_);
  EXPECT_FALSE(squatted.duplicate());
  EXPECT_FALSE(publish(boss_).duplicate());
  EXPECT_EQ(publish(caller_).sequence(), squatted.sequence());
  // The same by a stream.
  RawCall stream(channel_, "/nmq.v1.MessageQueue/PublishStream", As(boss_));
  const auto batch = Parsed<v1::PublishStreamRequest>(
      "namespace: 'shop' messages { queue: 'mine.here' event: 'E' request_id: 'one' } "
      "messages { queue: 'mine.here' event: 'E' request_id: 'two' }");
  ASSERT_TRUE(stream.Write(batch.SerializeAsString()));
  std::string bytes;
  v1::PublishStreamResponse response;
  ASSERT_TRUE(stream.Read(&bytes) && response.ParseFromString(bytes));
  ASSERT_EQ(response.accepted().duplicates_size(), 1) << response.ShortDebugString();
  EXPECT_EQ(response.accepted().duplicates(0).index(), 0u);
  // And after a restart.
  nmqd_ = nullptr;
  Start();
  EXPECT_EQ(publish(caller_).sequence(), squatted.sequence());
  EXPECT_TRUE(publish(boss_).duplicate());
}

TEST_F(RightsByFile, QueueOfDeadLettersThatIsNamedTakesTheRightForIt) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  const std::string group = "{ name: 'g' dead_letter_queue: 'theirs.here' }";
  EXPECT_EQ(CreateGroup(caller_, "queue: 'mine.here' options " + group).error_code(), grpc::StatusCode::NOT_FOUND);
  const auto member = TrySubscribe(caller_, Connect(caller_), "patterns { queue: 'mine.here' } group " + group);
  EXPECT_EQ(member->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(RightsByFile, DeadLettersOfAQueueOfOthersStayWhereTheyAre) {
  Grant({absl::StrCat(kMine, kAllRights)});
  Start();
  MakeDeadLetter("mine.dead");
  v1::RedriveDeadLettersResponse response;
  const std::string queue = "queue: 'mine.dead'";
  ASSERT_TRUE(Administer(caller_, &v1::Admin::Stub::RedriveDeadLetters, queue, &response).ok());
  EXPECT_EQ(response.messages(), 0u);
  EXPECT_EQ(response.stopped_at_sequence(), 1u);
  EXPECT_THAT(response.stopped_because(), HasSubstr("no queue"));
  ASSERT_TRUE(Administer(boss_, &v1::Admin::Stub::RedriveDeadLetters, queue, &response).ok());
  EXPECT_EQ(response.messages(), 1u);
}

TEST_F(RightsByFile, SubscriptionsAndClientsAreShownByWhatTheyHear) {
  Grant({absl::StrCat("queue: 'mine.*' right: RIGHT_INSPECT")});
  Start();
  const std::string session = Join(boss_, {"mine.here", "theirs.here"});
  std::string bytes;
  const auto mine = TrySubscribe(boss_, session, "patterns { queue: 'mine.here' }");
  ASSERT_TRUE(mine->Read(&bytes));
  const auto theirs = TrySubscribe(boss_, session, "patterns { queue: 'theirs.here' }");
  ASSERT_TRUE(theirs->Read(&bytes));
  const auto both = TrySubscribe(boss_, session, "patterns { queue: '**' }");
  ASSERT_TRUE(both->Read(&bytes));
  v1::ListClientsResponse clients;
  const auto list_clients = Parsed<v1::ListClientsRequest>("namespace: 'shop'");
  ASSERT_TRUE(registry_->ListClients(As(boss_).get(), list_clients, &clients).ok());
  ASSERT_EQ(clients.clients_size(), 1);
  v1::GetClientRequest get;
  get.set_namespace_("shop");
  get.set_client_id(clients.clients(0).id());
  const auto list = Parsed<v1::ListSubscriptionsRequest>("namespace: 'shop'");
  v1::ListSubscriptionsResponse subscriptions;
  v1::GetClientResponse client;

  ASSERT_TRUE(registry_->ListSubscriptions(As(caller_).get(), list, &subscriptions).ok());
  ASSERT_EQ(subscriptions.subscriptions_size(), 1) << "all rooms, and so each client";
  EXPECT_EQ(subscriptions.subscriptions(0).patterns(0).queue(), "mine.here");
  ASSERT_TRUE(registry_->GetClient(As(caller_).get(), get, &client).ok());
  EXPECT_EQ(client.client().rooms_size(), 2);
  EXPECT_EQ(client.client().subscriptions_size(), 1);
}

TEST_F(RightsByFile, ClientsAreShownByTheRoomsThatTheyAreIn) {
  Grant({absl::StrCat("room: 'mine.*' right: RIGHT_INSPECT")});
  Start();
  const std::string seen = Join(boss_, {"mine.here", "theirs.here"});
  const std::string unseen = Join(boss_, {"theirs.here"});
  std::string bytes;
  const auto stream = TrySubscribe(boss_, seen, "patterns { queue: 'mine.here' }");
  ASSERT_TRUE(stream->Read(&bytes));
  v1::ListClientsResponse clients;
  ASSERT_TRUE(
      registry_->ListClients(As(boss_).get(), Parsed<v1::ListClientsRequest>("namespace: 'shop'"), &clients).ok());
  ASSERT_EQ(clients.clients_size(), 2);
  for (const v1::ClientInfo& info : clients.clients()) {
    v1::GetClientRequest get;
    get.set_namespace_("shop");
    get.set_client_id(info.id());
    v1::GetClientResponse client;
    const grpc::Status status = registry_->GetClient(As(caller_).get(), get, &client);
    EXPECT_EQ(status.error_code(), info.rooms_size() == 2 ? grpc::StatusCode::OK : grpc::StatusCode::NOT_FOUND);
    if (info.rooms_size() == 2) EXPECT_THAT(client.client().rooms(), ElementsAre("mine.here"));
  }
  v1::ListSubscriptionsResponse subscriptions;
  const auto list = Parsed<v1::ListSubscriptionsRequest>("namespace: 'shop'");
  ASSERT_TRUE(registry_->ListSubscriptions(As(caller_).get(), list, &subscriptions).ok());
  EXPECT_EQ(subscriptions.subscriptions_size(), 0) << "who hears a queue may be in any room";
}

}  // namespace
}  // namespace nmq::integration
