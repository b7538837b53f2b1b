// nmqd with a file of who may do what: each rpc there is, called by everybody there could be.
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/random.h"
#include "base/token.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/message.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "server/call/rpc_rights.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/integration/raw_call.h"

namespace nmq::integration {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kConfig[] = R"(namespace { name: "shop" automatic_queues: true } namespace { name: "other" })";

std::string RightName(Right right) {
  std::string name(NameOf(right));
  for (char& c : name) c = static_cast<char>(toupper(c));
  return "right: RIGHT_" + name;
}

// By the table of the server.
Right RightOfRpc(const MethodDescriptor& method) {
  std::map<const google::protobuf::Descriptor*, Right> rights;
  RpcRights::ForEach([&](const google::protobuf::Descriptor* request, Right right) { rights[request] = right; });
  return rights.at(method.input_type());
}

// Answered by what of it the caller may see, or about all namespaces at once.
bool IsOfNoNamespace(const MethodDescriptor& method) {
  return method.name() == "ListNamespaces" || method.name() == "ListMetrics";
}

class AccessByFile : public testing::Test {
 protected:
  static std::string Identity(const std::string& name, const NewToken& token) {
    return absl::StrCat("identity { name: '", name, "' token: '", token.kept, "' }\n");
  }
  // What the caller may do in the namespace shop; the boss may do everything.
  void Grant(const std::string& rights) {
    std::string text =
        absl::StrCat(Identity("boss", boss_), "grant { identity: 'boss' namespace: '**' ", kAllRights, " }\n");
    absl::StrAppend(&text, Identity("caller", caller_));
    if (!rights.empty()) absl::StrAppend(&text, "grant { identity: 'caller' namespace: 'shop' ", rights, " }\n");
    Write(text);
  }
  void Write(const std::string& text) { path_ = WriteFile("access.textproto", text); }
  void Start() {
    const std::string config = WriteFile("config.textproto", kConfig);
    nmqd_ = std::make_unique<Nmqd>(std::vector<std::string>{"--config=" + config, "--access=" + path_});
    channel_ = NewChannel(nmqd_->address());
  }

  static std::unique_ptr<grpc::ClientContext> ContextWith(const std::string& authorization) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    if (!authorization.empty()) context->AddMetadata("authorization", authorization);
    return context;
  }
  static std::string Bearer(const NewToken& token) { return "Bearer " + token.token; }

  // A request about this namespace, by this session, where it has one.
  static std::string RequestOf(const MethodDescriptor& method, const std::string& name_space,
                               const std::string& session) {
    const google::protobuf::Descriptor& type = *method.input_type();
    const std::unique_ptr<Message> request(
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
    const auto set = [&](const char* field, const std::string& value) {
      if (const auto* found = type.FindFieldByName(field))
        request->GetReflection()->SetString(request.get(), found, value);
    };
    set("session", session);
    const bool of_namespaces = type.FindFieldByName("namespace") == nullptr;
    if (session.empty() || type.FindFieldByName("session") == nullptr)
      set(of_namespaces ? "name" : "namespace", name_space);
    return request->SerializeAsString();
  }
  static std::string SubscribeTo(const std::string& queue, const std::string& session) {
    v1::SubscribeRequest request;
    request.set_session(session);
    request.add_patterns()->set_queue(queue);
    return request.SerializeAsString();
  }
  // OK as soon as there is a message.
  grpc::Status Call(const MethodDescriptor& method, const std::string& request, const std::string& authorization) {
    RawCall call(channel_, PathOf(method), ContextWith(authorization));
    std::string response;
    if (call.Write(request)) call.WritesDone();
    return call.Read(&response) ? grpc::Status::OK : call.Finish();
  }
  std::string Connect(const NewToken& token, const std::string& name_space) {
    v1::ConnectRequest request;
    request.set_namespace_(name_space);
    v1::ConnectResponse response;
    const auto context = ContextWith(Bearer(token));
    const grpc::Status status = v1::MessageQueue::NewStub(channel_)->Connect(context.get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.session();
  }
  // What stands for the right, and is about the namespace shop, or by the session.
  grpc::Status CallOne(Right right, const std::string& session = "") {
    for (const MethodDescriptor* method : AllMethods()) {
      if (RightOfRpc(*method) != right || method->name() == "Disconnect" || IsOfNoNamespace(*method)) continue;
      return Call(*method, RequestOf(*method, "shop", method->name() == "Connect" ? "" : session), Bearer(caller_));
    }
    return grpc::Status::OK;
  }
  // Until what was written last holds.
  void AwaitAllowed(Right right, const std::string& session) {
    EXPECT_TRUE(WaitUntil(
        [&] {
          const grpc::StatusCode code = CallOne(right, session).error_code();
          return code != grpc::StatusCode::PERMISSION_DENIED && code != grpc::StatusCode::NOT_FOUND;
        },
        kPatience));
  }
  void AwaitForbidden(Right right) {
    EXPECT_TRUE(
        WaitUntil([&] { return CallOne(right).error_code() == grpc::StatusCode::PERMISSION_DENIED; }, kPatience));
  }
  void AwaitNothingAllowed() {
    EXPECT_TRUE(
        WaitUntil([&] { return CallOne(Right::kConnect).error_code() == grpc::StatusCode::NOT_FOUND; }, kPatience));
  }

  static constexpr char kAllRights[] =
      "right: RIGHT_CONNECT right: RIGHT_PUBLISH right: RIGHT_SUBSCRIBE right: RIGHT_JOIN right: RIGHT_INSPECT right: "
      "RIGHT_ADMIN";
  const NewToken boss_ = MakeToken(SystemRandom());
  const NewToken caller_ = MakeToken(SystemRandom());
  std::string path_;
  std::unique_ptr<Nmqd> nmqd_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(AccessByFile, NobodyGetsPastTheDoorWithoutATokenThatTheServerKnows) {
  Grant(kAllRights);
  Start();
  const std::string known = caller_.token;
  const std::vector<std::string> wrong = {"",
                                          "Bearer",
                                          known,
                                          "Basic " + known,
                                          "Bearer x",
                                          Bearer(MakeToken(SystemRandom())),
                                          "Bearer " + known.substr(0, known.size() - 1),
                                          "Bearer " + known + "a",
                                          "Bearer " + caller_.kept};
  for (const MethodDescriptor* method : AllMethods()) {
    for (const std::string& authorization : wrong) {
      const grpc::Status status = Call(*method, RequestOf(*method, "shop", ""), authorization);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method->full_name() << " " << authorization;
      EXPECT_THAT(status.error_message(), HasSubstr("authorization: ")) << method->full_name();
    }
  }
}

TEST_F(AccessByFile, EachRpcTakesItsRightAndNoOther) {
  Grant(kAllRights);
  Start();
  const std::string session = Connect(caller_, "shop");
  // Without the right to connect, the session would end.
  const std::string connect = RightName(Right::kConnect);
  for (const Right granted :
       {Right::kConnect, Right::kPublish, Right::kSubscribe, Right::kJoin, Right::kInspect, Right::kAdmin}) {
    Grant(absl::StrCat(connect, " ", granted == Right::kConnect ? "" : RightName(granted)));
    AwaitAllowed(granted, session);
    AwaitForbidden(granted == Right::kAdmin ? Right::kInspect : Right::kAdmin);
    for (const MethodDescriptor* method : AllMethods()) {
      const std::string name = method->name();
      // These would end what is called here.
      if (name == "Disconnect" || name == "DeleteNamespace" || name == "DisconnectClients") continue;
      if (IsOfNoNamespace(*method)) continue;
      const bool by_session = method->input_type()->FindFieldByName("session") != nullptr && name != "Connect";
      const std::string request = RequestOf(*method, "shop", by_session ? session : "");
      const grpc::Status status = Call(*method, request, Bearer(caller_));
      const bool forbidden = status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
      const Right right = RightOfRpc(*method);
      const bool allowed = right == granted || right == Right::kConnect || right == Right::kNone;
      EXPECT_EQ(forbidden, !allowed) << name << " with " << NameOf(granted) << ": " << status.error_code() << " "
                                     << status.error_message();
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << name;
    }
  }
}

TEST_F(AccessByFile, ConnectingTakesItsOwnRight) {
  Grant(kAllRights);
  Start();
  Connect(caller_, "shop");
  for (const Right granted : {Right::kPublish, Right::kSubscribe, Right::kJoin, Right::kInspect, Right::kAdmin}) {
    Grant(RightName(granted));
    AwaitForbidden(Right::kConnect);
  }
}

TEST_F(AccessByFile, NamespaceInWhichNothingIsGrantedLooksAsIfItDidNotExist) {
  Grant(kAllRights);
  Start();
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string request = RequestOf(*method, "other", "");
    if (request == RequestOf(*method, "absent", "")) continue;  // it is about no namespace
    if (RightOfRpc(*method) == Right::kNone) continue;          // what is there has no part in it
    const grpc::Status other = Call(*method, request, Bearer(caller_));
    const grpc::Status absent = Call(*method, RequestOf(*method, "absent", ""), Bearer(caller_));
    EXPECT_FALSE(other.ok()) << method->full_name();
    EXPECT_EQ(other.error_code(), absent.error_code()) << method->full_name();
    EXPECT_EQ(absl::StrReplaceAll(other.error_message(), {{"other", "absent"}}), absent.error_message());
  }
}

TEST_F(AccessByFile, ListsHaveOnlyWhatMayBeSeen) {
  Grant(RightName(Right::kInspect));
  Start();
  const auto names = [&](const NewToken& token) {
    v1::ListNamespacesResponse response;
    const auto context = ContextWith(Bearer(token));
    EXPECT_TRUE(v1::Registry::NewStub(channel_)->ListNamespaces(context.get(), {}, &response).ok());
    std::vector<std::string> found;
    for (const auto& one : response.namespaces()) found.push_back(one.name());
    return found;
  };
  EXPECT_THAT(names(caller_), ElementsAre("shop"));
  EXPECT_THAT(names(boss_), ElementsAre("default", "other", "shop"));
}

// What a page token tells is what may be seen.
TEST_F(AccessByFile, PagesTellNothingOfOtherNamespaces) {
  Grant(RightName(Right::kInspect));
  Start();
  v1::ListNamespacesRequest request;
  request.set_page_size(1);
  v1::ListNamespacesResponse response;
  const auto context = ContextWith(Bearer(caller_));
  EXPECT_TRUE(v1::Registry::NewStub(channel_)->ListNamespaces(context.get(), request, &response).ok());
  EXPECT_EQ(response.namespaces_size(), 1);
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(AccessByFile, HearingARoomTakesTheRightToJoinIt) {
  Grant("right: RIGHT_CONNECT right: RIGHT_SUBSCRIBE");
  Start();
  const std::string session = Connect(caller_, "shop");
  v1::SubscribeRequest request;
  request.set_session(session);
  request.add_patterns()->set_queue("Q");
  request.add_rooms("kitchen");
  RawCall subscriber(channel_, "/nmq.v1.MessageQueue/Subscribe", ContextWith(Bearer(caller_)));
  ASSERT_TRUE(subscriber.Write(request.SerializeAsString()));
  const grpc::Status status = subscriber.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(status.error_message(), HasSubstr("join"));
}

TEST_F(AccessByFile, SessionIsOfNoUseToAnotherIdentity) {
  Grant(kAllRights);
  Start();
  const std::string session = Connect(boss_, "shop");
  for (const MethodDescriptor* method : AllMethods()) {
    if (method->input_type()->FindFieldByName("session") == nullptr || method->name() == "Connect") continue;
    const grpc::Status status = Call(*method, RequestOf(*method, "shop", session), Bearer(caller_));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << method->full_name();
    EXPECT_THAT(status.error_message(), HasSubstr("session: ")) << method->full_name();
  }
}

TEST_F(AccessByFile, OpenStreamsEndWhenWhatTheyNeedIsTakenBack) {
  Grant(kAllRights);
  Start();
  const std::string session = Connect(caller_, "shop");
  std::map<std::string, std::unique_ptr<RawCall>> streams;
  for (const MethodDescriptor* method : AllMethods()) {
    const std::string name = method->name();
    if (!method->server_streaming()) continue;
    auto call = std::make_unique<RawCall>(channel_, PathOf(*method), ContextWith(Bearer(caller_)));
    const bool by_session = method->input_type()->FindFieldByName("session") != nullptr;
    std::string request = RequestOf(*method, "shop", by_session ? session : "");
    if (name == "Subscribe") request = SubscribeTo("Q", session);
    ASSERT_TRUE(call->Write(request)) << name;
    streams[name] = std::move(call);
  }
  EXPECT_EQ(streams.size(), 3u) << "Subscribe, PublishStream, Watch";
  std::string message;
  for (const char* opened : {"Subscribe", "Watch"}) ASSERT_TRUE(streams[opened]->Read(&message)) << opened;
  v1::PublishStreamRequest batch;
  batch.set_session(session);
  batch.add_messages()->set_queue("Q");
  batch.mutable_messages(0)->set_event("e");
  RawCall publisher(channel_, "/nmq.v1.MessageQueue/PublishStream", ContextWith(Bearer(caller_)));
  ASSERT_TRUE(publisher.Write(batch.SerializeAsString()));
  ASSERT_TRUE(publisher.Read(&message));
  Grant("");
  for (const char* opened : {"Subscribe", "Watch"}) {
    EXPECT_EQ(streams[opened]->Finish().error_code(), grpc::StatusCode::NOT_FOUND) << opened;
  }
  EXPECT_EQ(publisher.Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(AccessByFile, TokenThatIsTakenBackIsOfNoUse) {
  Grant(kAllRights);
  Start();
  const std::string session = Connect(caller_, "shop");
  RawCall subscriber(channel_, "/nmq.v1.MessageQueue/Subscribe", ContextWith(Bearer(caller_)));
  ASSERT_TRUE(subscriber.Write(SubscribeTo("Q", session)));
  std::string message;
  ASSERT_TRUE(subscriber.Read(&message));
  Write(absl::StrCat(Identity("boss", boss_), Identity("caller", MakeToken(SystemRandom())),
                     "grant { identity: '**' namespace: '**' ", kAllRights, " }\n"));
  const absl::Time begin = absl::Now();
  EXPECT_EQ(subscriber.Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_EQ(Call(*method, RequestOf(*method, "shop", ""), Bearer(caller_)).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(AccessByFile, FileThatIsOfNoUseChangesNothingAndIsNamed) {
  Grant(kAllRights);
  Start();
  // Nor does one that is empty, as a file is while it is being written.
  Write("");
  EXPECT_TRUE(
      WaitUntil([&] { return nmqd_->process().errors().find("has no identity") != std::string::npos; }, kPatience));
  Connect(caller_, "shop");
  Write("identity { name: 'x' ");
  EXPECT_TRUE(
      WaitUntil([&] { return nmqd_->process().errors().find("who may do what stays as it was") != std::string::npos; },
                kPatience));
  EXPECT_THAT(nmqd_->process().errors(), HasSubstr(path_));
  Connect(caller_, "shop");
  Grant("");
  AwaitNothingAllowed();
}

TEST_F(AccessByFile, ServerDoesNotStartWithAFileThatIsOfNoUse) {
  Write("identity { name: 'x' token: 'hunter2' }");
  const Outcome outcome({"--access=" + path_});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_TRUE(IsOneLine(outcome.errors));
  EXPECT_THAT(outcome.errors, HasSubstr("access.textproto:1:22: identity[0].token[0]"));
  EXPECT_THAT(outcome.errors, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(Outcome({"--access=/nowhere/x"}).errors, HasSubstr("/nowhere/x"));
}

TEST_F(AccessByFile, ThoseWhoAreTurnedAwayAreCountedAndNamedInTheLog) {
  Write(absl::StrCat(Identity("boss", boss_), "grant { identity: 'boss' namespace: '**' ", kAllRights, " }\n"));
  Start();
  const MethodDescriptor& method = *AllMethods().front();
  EXPECT_FALSE(Call(method, RequestOf(method, "shop", ""), Bearer(caller_)).ok());
  EXPECT_TRUE(WaitUntil(
      [&] { return nmqd_->process().errors().find("refused a call from ipv4:127.0.0.1:") != std::string::npos; },
      kPatience));
  EXPECT_THAT(nmqd_->process().errors(), testing::Not(HasSubstr(caller_.token)));
  v1::ListMetricsResponse metrics;
  const auto context = ContextWith(Bearer(boss_));
  ASSERT_TRUE(v1::Registry::NewStub(channel_)->ListMetrics(context.get(), {}, &metrics).ok());
  EXPECT_THAT(metrics.ShortDebugString(), HasSubstr("CREDENTIALS_UNKNOWN"));
}

// Probes have no token.
TEST_F(AccessByFile, HealthIsForEverybody) {
  Grant("");
  Start();
  EXPECT_TRUE(CallRaw(channel_, "/grpc.health.v1.Health/Check", {""}, kPatience).status.ok());
}

}  // namespace
}  // namespace nmq::integration
