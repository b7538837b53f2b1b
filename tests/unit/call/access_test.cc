// What the broker, the registry and Admin ask of Access, and that nobody gets past it.
#include "server/call/access.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/await.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/admin/admin.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kConfig[] = R"(namespace { name: "open" } namespace { name: "closed" automatic_queues: true })";

// Refuses what is done in some namespaces, and writes down what it is asked.
class Doorkeeper final : public Access {
 public:
  absl::StatusOr<std::shared_ptr<const Principal>> Identify(std::optional<absl::string_view>,
                                                            const ClientCertificate*) const override {
    return nullptr;
  }
  absl::Status Check(const Call& call, Right right, const Named& what) const override {
    EXPECT_EQ(call.right, right);
    asked.emplace_back(NameOf(right), what.name_space);
    const bool refused = closed.contains(std::string(what.name_space)) || closed_rights.contains(right);
    return refused ? absl::PermissionDeniedError("closed") : absl::OkStatus();
  }
  std::unique_ptr<AccessView> View(const Call& call, absl::string_view name_space) const override {
    return std::make_unique<OneByOne>(*this, call, name_space);
  }
  bool Grants(const Principal*, Right, const Named&) const override { return true; }
  absl::Status Explain(const Call&, const v1::ExplainRequest&, v1::ExplainResponse*) const override {
    return absl::OkStatus();
  }

  // A view that asks for each.
  class OneByOne final : public AccessView {
   public:
    OneByOne(const Doorkeeper& asked, const Call& call, absl::string_view name_space)
        : asked_(asked), call_(call), name_space_(name_space) {}
    bool Has(Right right, absl::string_view queue, absl::string_view room) override {
      return asked_.Check(call_, right, Named(name_space_, queue, room)).ok();
    }

   private:
    const Doorkeeper& asked_;
    const Call call_;
    const std::string name_space_;
  };

  mutable std::vector<std::pair<std::string, std::string>> asked;
  std::set<std::string> closed;
  std::set<Right> closed_rights;
};

Call CallFor(Right right) { return Call(right, Transport::kGrpc, "test:9"); }

class AccessTest : public ::testing::Test {
 protected:
  void Close() { doorkeeper_.closed = {"closed"}; }

  Doorkeeper doorkeeper_;
  World world_{kConfig, /*lanes=*/1, /*data_dir=*/"", /*env=*/nullptr, &doorkeeper_};
  Broker& broker_ = world_.broker();
  Admin admin_{&broker_};
};

TEST_F(AccessTest, IsAskedForTheRightOfTheCallInTheNamespaceThatIsNamed) {
  v1::ConnectRequest request;
  request.set_namespace_("open");
  v1::ConnectResponse response;
  ASSERT_TRUE(broker_.Connect(CallFor(Right::kConnect), request, &response).ok());
  EXPECT_THAT(doorkeeper_.asked, ElementsAre(Pair("connect", "open")));
}

TEST_F(AccessTest, IsAskedForTheNamespaceOfTheSession) {
  const Member member = world_.Connect("closed");
  doorkeeper_.asked.clear();
  v1::JoinRequest request;
  request.set_session(member.session);
  request.add_rooms("r");
  v1::JoinResponse response;
  ASSERT_TRUE(broker_.Join(CallFor(Right::kJoin), request, &response).ok());
  EXPECT_THAT(doorkeeper_.asked, ElementsAre(Pair("join", "closed")));
}

// Once for the namespace, and once for all that is in it.
TEST_F(AccessTest, IsNotAskedForEachBatchOfAStream) {
  PublishStream stream(&broker_, CallFor(Right::kPublish));
  v1::PublishStreamRequest request;
  request.set_namespace_("closed");
  *request.add_messages() = ToMessage({});
  for (int i = 0; i < 3; ++i) {
    v1::PublishStreamResponse response;
    ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
    EXPECT_TRUE(response.has_accepted());
  }
  EXPECT_THAT(doorkeeper_.asked, ElementsAre(Pair("publish", "closed"), Pair("publish", "closed")));
}

TEST_F(AccessTest, ThatIsRefusedLetsNobodyIn) {
  Close();
  v1::ConnectRequest request;
  request.set_namespace_("closed");
  EXPECT_TRUE(absl::IsPermissionDenied(world_.TryConnect(request).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(world_.Publish({}, "closed").status()));
  PublishStream stream(&broker_, CallFor(Right::kPublish));
  v1::PublishStreamRequest batch;
  batch.set_namespace_("closed");
  *batch.add_messages() = ToMessage({});
  v1::PublishStreamResponse response;
  EXPECT_TRUE(absl::IsPermissionDenied(PublishOn(&stream, batch, &response)));
}

TEST_F(AccessTest, ThatIsTakenAwayIsRefusedToSessionsThatAreThere) {
  const Member member = world_.Connect("closed");
  Close();
  EXPECT_TRUE(absl::IsPermissionDenied(world_.Join(member, {"r"}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(world_.Leave(member, {"r"}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(world_.PublishAs(member, {}).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(world_.TryListen(SubscribeTo(member, {{"**", ""}})).status()));
  v1::ReplyRequest reply;
  reply.set_session(member.session);
  EXPECT_TRUE(absl::IsPermissionDenied(broker_.Reply(TestCall(), &reply)));
  absl::Status status;
  v1::RequestRequest question;
  question.set_session(member.session);
  broker_.Ask(TestCall(), &question, [&](const absl::StatusOr<v1::RequestResponse>& r) { status = r.status(); });
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_session(member.session);
  broker_.Acknowledge(TestCall(), &acknowledge,
                      [&](const absl::StatusOr<v1::AcknowledgeResponse>& r) { status = r.status(); });
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_TRUE(absl::IsPermissionDenied(world_.Disconnect(member)));
}

// Also where each name that the request has is asked for by another right.
TEST_F(AccessTest, ToTheRpcIsAskedForWhateverItNames) {
  const Member member = world_.Connect("closed");
  v1::SubscribeRequest request = SubscribeTo(member, {{"**", ""}});
  request.add_rooms("r");
  const auto check = [&] {
    return broker_.CheckSubscribe(CallFor(Right::kSubscribe), request, /*lane=*/nullptr, /*owner=*/nullptr).status();
  };
  EXPECT_TRUE(check().ok());
  doorkeeper_.closed_rights = {Right::kJoin};
  EXPECT_TRUE(absl::IsPermissionDenied(check()));
  doorkeeper_.closed_rights = {Right::kSubscribe};
  EXPECT_TRUE(absl::IsPermissionDenied(check()));
}

TEST_F(AccessTest, ThatIsRefusedHidesTheNamespaceFromLists) {
  Close();
  v1::ListNamespacesResponse namespaces;
  ASSERT_TRUE(world_.registry().ListNamespaces(TestCall(), {}, &namespaces).ok());
  std::vector<std::string> names;
  for (const v1::NamespaceInfo& info : namespaces.namespaces()) names.push_back(info.name());
  EXPECT_THAT(names, ElementsAre("default", "open"));
}

TEST_F(AccessTest, ToMetricsIsAccessToAllNamespaces) {
  doorkeeper_.closed = {""};
  v1::ListMetricsResponse response;
  EXPECT_TRUE(absl::IsPermissionDenied(world_.registry().ListMetrics(CallFor(Right::kInspect), {}, &response)));
  EXPECT_THAT(doorkeeper_.asked, ElementsAre(Pair("inspect", "")));
}

TEST_F(AccessTest, ThatIsRefusedAnswersNothingToRegistry) {
  Close();
  const Registry& registry = world_.registry();
  const auto refused = [&](auto request, auto response, auto method) {
    request.set_namespace_("closed");
    return absl::IsPermissionDenied((registry.*method)(CallFor(Right::kInspect), request, &response));
  };
  EXPECT_TRUE(refused(v1::ListQueuesRequest(), v1::ListQueuesResponse(), &Registry::ListQueues));
  EXPECT_TRUE(refused(v1::ListRoomsRequest(), v1::ListRoomsResponse(), &Registry::ListRooms));
  EXPECT_TRUE(refused(v1::ListClientsRequest(), v1::ListClientsResponse(), &Registry::ListClients));
  EXPECT_TRUE(refused(v1::ListSubscriptionsRequest(), v1::ListSubscriptionsResponse(), &Registry::ListSubscriptions));
  EXPECT_TRUE(refused(v1::ListGroupsRequest(), v1::ListGroupsResponse(), &Registry::ListGroups));
  EXPECT_TRUE(refused(v1::GetClientRequest(), v1::GetClientResponse(), &Registry::GetClient));
  EXPECT_TRUE(refused(v1::CountClientsRequest(), v1::CountClientsResponse(), &Registry::CountClients));
}

TEST_F(AccessTest, ThatIsRefusedChangesNothingThroughAdmin) {
  Close();
  const auto refused = [&](auto request, auto response, auto method) {
    return absl::IsPermissionDenied((admin_.*method)(CallFor(Right::kAdmin), request, &response));
  };
  const auto refused_name = [&](auto request, auto response, auto method) {
    request.set_name("closed");
    return refused(request, response, method);
  };
  const auto refused_in = [&](auto request, auto response, auto method) {
    request.set_namespace_("closed");
    return refused(request, response, method);
  };
  EXPECT_TRUE(refused_name(v1::CreateNamespaceRequest(), v1::CreateNamespaceResponse(), &Admin::CreateNamespace));
  EXPECT_TRUE(refused_name(v1::UpdateNamespaceRequest(), v1::UpdateNamespaceResponse(), &Admin::UpdateNamespace));
  EXPECT_TRUE(refused_name(v1::DeleteNamespaceRequest(), v1::DeleteNamespaceResponse(), &Admin::DeleteNamespace));
  EXPECT_TRUE(refused_in(v1::CreateQueueRequest(), v1::CreateQueueResponse(), &Admin::CreateQueue));
  EXPECT_TRUE(refused_in(v1::UpdateQueueRequest(), v1::UpdateQueueResponse(), &Admin::UpdateQueue));
  EXPECT_TRUE(refused_in(v1::DeleteQueueRequest(), v1::DeleteQueueResponse(), &Admin::DeleteQueue));
  EXPECT_TRUE(refused_in(v1::PurgeQueueRequest(), v1::PurgeQueueResponse(), &Admin::PurgeQueue));
  EXPECT_TRUE(refused_in(v1::CreateGroupRequest(), v1::CreateGroupResponse(), &Admin::CreateGroup));
  EXPECT_TRUE(refused_in(v1::DeleteGroupRequest(), v1::DeleteGroupResponse(), &Admin::DeleteGroup));
  EXPECT_TRUE(refused_in(v1::PauseGroupRequest(), v1::PauseGroupResponse(), &Admin::PauseGroup));
  EXPECT_TRUE(refused_in(v1::ResumeGroupRequest(), v1::ResumeGroupResponse(), &Admin::ResumeGroup));
  EXPECT_TRUE(refused_in(v1::SeekGroupRequest(), v1::SeekGroupResponse(), &Admin::SeekGroup));
  v1::RedriveDeadLettersRequest redrive;
  redrive.set_namespace_("closed");
  const auto redriven = Await<absl::StatusOr<v1::RedriveDeadLettersResponse>>(
      [&](RedriveDone done) { admin_.RedriveDeadLetters(CallFor(Right::kAdmin), redrive, std::move(done)); });
  EXPECT_TRUE(absl::IsPermissionDenied(redriven.status()));
  EXPECT_TRUE(refused_in(v1::MoveClientsRequest(), v1::MoveClientsResponse(), &Admin::MoveClients));
  EXPECT_TRUE(refused_in(v1::DisconnectClientsRequest(), v1::DisconnectClientsResponse(), &Admin::DisconnectClients));
}

}  // namespace
}  // namespace nmq::broker
