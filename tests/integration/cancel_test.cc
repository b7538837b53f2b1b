// Every rpc, given up before, during and after, by the client, by its deadline, and by a broken connection: nothing is
// left behind.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/deadline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "server/grpc/server.h"
#include "tests/integration/fixture.h"
#include "tests/integration/raw_call.h"
#include "tests/testing/simulated_clock.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using google::protobuf::MethodDescriptor;
using grpc::StatusCode;

constexpr int kRepetitions = 50;
constexpr int kRepetitionsWithConnections = 10;      // of their own
constexpr absl::Duration kWhole = absl::Minutes(4);  // longer than a test takes

enum class When { kBefore, kDuring, kAfter };
enum class How { kCancel, kDeadline, kDrop };

std::string NameOf(const testing::TestParamInfo<How>& how) {
  switch (how.param) {
    case How::kCancel:
      return "ByTheClient";
    case How::kDeadline:
      return "ByItsDeadline";
    case How::kDrop:
      return "ByABrokenConnection";
  }
  return "";
}

// A good request of each rpc of Admin; of others that have nothing to fill in, an empty one.
std::string AdminRequestFor(const MethodDescriptor& method) {
  v1::CreateNamespaceRequest create_namespace;
  create_namespace.set_name("made");
  v1::CreateQueueRequest create_queue;
  create_queue.set_name("made");
  v1::PurgeQueueRequest purge;
  purge.set_name("nobody");
  v1::SeekGroupRequest of_group;  // as of the other calls for groups
  of_group.set_queue("DB");
  of_group.set_group("nobody");
  v1::CreateGroupRequest create_group;
  create_group.set_queue("nobody");
  create_group.mutable_options()->set_name("group");
  v1::RedriveDeadLettersRequest redrive;
  redrive.set_queue("nobody");
  v1::MoveClientsRequest move;
  move.mutable_filter()->set_name("nobody");
  move.add_join("A");
  v1::DisconnectClientsRequest disconnect;
  disconnect.mutable_filter()->set_name("nobody");
  const std::map<std::string, std::string> requests = {
      {"CreateNamespace", create_namespace.SerializeAsString()},
      {"UpdateNamespace", create_namespace.SerializeAsString()},
      {"DeleteNamespace", create_namespace.SerializeAsString()},
      {"CreateQueue", create_queue.SerializeAsString()},
      {"UpdateQueue", create_queue.SerializeAsString()},
      {"DeleteQueue", create_queue.SerializeAsString()},
      {"PurgeQueue", purge.SerializeAsString()},
      {"CreateGroup", create_group.SerializeAsString()},
      {"DeleteGroup", of_group.SerializeAsString()},
      {"PauseGroup", of_group.SerializeAsString()},
      {"ResumeGroup", of_group.SerializeAsString()},
      {"SeekGroup", of_group.SerializeAsString()},
      {"RedriveDeadLetters", redrive.SerializeAsString()},
      {"MoveClients", move.SerializeAsString()},
      {"DisconnectClients", disconnect.SerializeAsString()},
  };
  auto it = requests.find(method.name());
  return it == requests.end() ? "" : it->second;
}

// A good request of each rpc.
std::string RequestFor(const MethodDescriptor& method, const TestClient& client) {
  auto with_session = [&](auto request) {
    request.set_session(client.session());
    return request;
  };
  v1::JoinRequest join = with_session(v1::JoinRequest());
  join.add_rooms("A");
  v1::LeaveRequest leave = with_session(v1::LeaveRequest());
  leave.add_rooms("A");
  v1::PublishRequest publish = with_session(v1::PublishRequest());
  *publish.mutable_message() = MakeMessage("DB", "E", "text");
  v1::PublishStreamRequest batch = with_session(v1::PublishStreamRequest());
  for (int i = 0; i < 20; ++i) *batch.add_messages() = publish.message();
  v1::SubscribeRequest subscribe = client.SubscribeRequest("DB");
  subscribe.add_rooms("B");
  subscribe.mutable_start()->set_earliest(true);
  v1::RequestRequest question = with_session(v1::RequestRequest());
  *question.mutable_message() = MakeMessage("unheard", "E", "text");
  v1::ReplyRequest reply = with_session(v1::ReplyRequest());
  reply.set_reply_to("nobody");
  v1::AcknowledgeRequest acknowledge = with_session(v1::AcknowledgeRequest());
  acknowledge.set_queue("DB");
  acknowledge.set_group("nobody");
  acknowledge.add_acknowledgements()->set_first(1);
  acknowledge.mutable_acknowledgements(0)->set_done(true);
  v1::GetClientRequest get;
  get.set_client_id(client.id());
  const std::map<std::string, std::string> requests = {
      {"Disconnect", with_session(v1::DisconnectRequest()).SerializeAsString()},
      {"Join", join.SerializeAsString()},
      {"Leave", leave.SerializeAsString()},
      {"Publish", publish.SerializeAsString()},
      {"PublishStream", batch.SerializeAsString()},
      {"Subscribe", subscribe.SerializeAsString()},
      {"Request", question.SerializeAsString()},
      {"Reply", reply.SerializeAsString()},
      {"Acknowledge", acknowledge.SerializeAsString()},
      {"GetClient", get.SerializeAsString()},
  };
  auto it = requests.find(method.name());
  return it == requests.end() ? AdminRequestFor(method) : it->second;
}

class GivingUp : public testing::TestWithParam<How> {
 protected:
  // One call, given up at that time, with `drop` breaking the connection.
  grpc::Status Call(const MethodDescriptor& method, const std::string& request, When when, int repetition,
                    const std::shared_ptr<grpc::Channel>& channel, const std::function<void()>& drop) {
    auto context = NewContext();
    context->set_wait_for_ready(false);
    if (GetParam() == How::kDeadline && when != When::kAfter) {
      // From too short for anything to long enough for some answers.
      const absl::Duration time = when == When::kBefore ? -absl::Seconds(1) : absl::Microseconds(100 * repetition);
      context->set_deadline(absl::ToChronoTime(absl::Now() + time));
    }
    auto give_up = [&](grpc::ClientContext* of) {
      if (GetParam() == How::kCancel) of->TryCancel();
      if (GetParam() == How::kDrop) drop();
    };
    if (when == When::kBefore) give_up(context.get());
    RawCall call(channel, PathOf(method), std::move(context));
    const int requests = method.client_streaming() ? 1 + repetition % 4 : 1;
    bool alive = true;
    for (int i = 0; i < requests && alive; ++i) alive = call.Write(request);
    // Streams are given up with or without an answer read.
    std::string response;
    const bool stays_open = method.server_streaming();
    if (alive && stays_open && repetition % 2 == 0) alive = call.Read(&response);
    if (when == When::kDuring) give_up(&call.context());
    // What stays open ends only so, unless it was given up already.
    if (stays_open && when != When::kDuring) call.context().TryCancel();
    if (alive) call.WritesDone();
    const grpc::Status status = call.Finish();
    if (when == When::kAfter) give_up(&call.context());
    return status;
  }

  SimulatedClock clock_;
  TestServer server_{{.clock = &clock_}};
  Api api_{server_};
  TcpProxy proxy_{server_.port()};
};

TEST_P(GivingUp, LeavesNothingBehind) {
  auto listener = std::make_unique<Listener>(&api_, TestClient(&api_).SubscribeRequest("DB"), kWhole);
  ASSERT_TRUE(listener->live());
  for (const MethodDescriptor* method : AllMethods()) {
    for (const When when : {When::kBefore, When::kDuring, When::kAfter}) {
      const TestClient client(&api_);
      const std::string request = RequestFor(*method, client);
      const auto shared_channel = NewChannel(server_.address());
      // A broken connection is one call's own, so that the next one does not wait for it to come back.
      const bool own = GetParam() == How::kDrop;
      for (int i = 0; i < (own ? kRepetitionsWithConnections : kRepetitions); ++i) {
        const auto channel = own ? NewChannel(proxy_.address()) : shared_channel;
        const grpc::Status status = Call(*method, request, when, i, channel, [this] { proxy_.Cut(); });
        EXPECT_THAT(status.error_code(),
                    testing::AnyOf(StatusCode::OK, StatusCode::CANCELLED, StatusCode::DEADLINE_EXCEEDED,
                                   StatusCode::UNAVAILABLE, StatusCode::NOT_FOUND, StatusCode::ALREADY_EXISTS))
            << method->name() << ": " << Summary(status) << ": " << status.error_message();
      }
    }
  }
  // Only the one listener is left, and it still hears.
  EXPECT_TRUE(WaitUntil([this] { return InfoOf(&api_).subscriptions() == 1; }));
  EXPECT_TRUE(WaitUntil([this] { return server_.rpc().streams() == 1; }));
  clock_.Advance(absl::Minutes(1));
  server_.Housekeep();
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
  EXPECT_EQ(InfoOf(&api_).rooms(), 0);
  const TestClient publisher(&api_);
  publisher.Publish("DB", "E", "last");
  EXPECT_EQ(listener->PayloadsUpTo("last").back(), "last");

  const Deadline deadline = Deadline::In(kPatience);
  server_.Stop();
  EXPECT_FALSE(deadline.IsOver());
  listener->End();
}

INSTANTIATE_TEST_SUITE_P(Calls, GivingUp, testing::Values(How::kCancel, How::kDeadline, How::kDrop), NameOf);

}  // namespace
}  // namespace nmq::integration
