// Sessions: leases, resuming, leaving.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "tests/integration/fixture.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

class Sessions : public testing::Test {
 protected:
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    server_.Housekeep();
  }
  grpc::Status TryJoin(const std::string& session) {
    v1::JoinRequest request;
    request.set_session(session);
    request.add_rooms("A");
    return api_.Try(&v1::MessageQueue::Stub::Join, request);
  }
  v1::ConnectResponse Resume(const std::string& session) {
    v1::ConnectRequest request;
    request.set_session(session);
    return api_.Get(&v1::MessageQueue::Stub::Connect, request);
  }
  static v1::ConnectRequest WithLease(int seconds) {
    v1::ConnectRequest request;
    request.mutable_lease()->set_seconds(seconds);
    return request;
  }

  SimulatedClock clock_;
  TestServer server_{{.clock = &clock_}};
  Api api_{server_};
};

TEST_F(Sessions, ConnectTellsWhatTheServerBounds) {
  const TestClient client(&api_);
  EXPECT_FALSE(client.connected().resumed());
  EXPECT_EQ(client.connected().lease().seconds(), 30);
  EXPECT_EQ(client.connected().limits().payload_bytes(), 1 << 20);
  EXPECT_GT(client.connected().limits().all_queues_bytes(), 0);
  EXPECT_GT(client.connected().server_epoch(), 0);
  EXPECT_NE(client.session(), client.id());
}

TEST_F(Sessions, EndWithTheirLeaseAndLeaveNothingBehind) {
  const TestClient client(&api_);
  client.Join({"A", "B"});
  Pass(absl::Seconds(29));
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
  Pass(absl::Seconds(2));
  EXPECT_EQ(InfoOf(&api_).clients(), 0);
  EXPECT_EQ(InfoOf(&api_).rooms(), 0);
  EXPECT_EQ(Summary(TryJoin(client.session())), "NOT_FOUND SESSION_EXPIRED");
  EXPECT_EQ(Summary(Listener(&api_, client.SubscribeRequest("DB")).End()), "NOT_FOUND SESSION_EXPIRED");
  EXPECT_FALSE(Resume(client.session()).resumed());
}

TEST_F(Sessions, EveryCallRenewsTheLease) {
  const TestClient client(&api_);
  for (int i = 0; i < 5; ++i) {
    Pass(absl::Seconds(20));
    switch (i) {
      case 0:
        client.Join({"A"});
        break;
      case 1:
        client.Publish("DB", "E", "");
        break;
      case 2:
        client.Leave({"A"});
        break;
      default:
        EXPECT_TRUE(Resume(client.session()).resumed());
    }
  }
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
}

TEST_F(Sessions, ALeaseMayBeChosenWithinBounds) {
  EXPECT_EQ(TestClient(&api_, WithLease(5)).connected().lease().seconds(), 5);
  EXPECT_EQ(TestClient(&api_, WithLease(600)).connected().lease().seconds(), 600);
  for (int seconds : {-1, 0, 4, 601}) {
    const grpc::Status status = api_.Try(&v1::MessageQueue::Stub::Connect, WithLease(seconds));
    EXPECT_EQ(Summary(status), "INVALID_ARGUMENT INVALID_FIELD field=lease");
    EXPECT_THAT(status.error_message(), testing::HasSubstr("5s to 10m"));
  }
  Pass(absl::Seconds(6));
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
}

TEST_F(Sessions, ResumingKeepsTheClientItsRoomsAndItsName) {
  v1::ConnectRequest request = WithLease(60);
  request.set_name("worker");
  (*request.mutable_labels())["zone"] = "a";
  const TestClient client(&api_, request);
  client.Join({"B", "A"});
  Pass(absl::Seconds(50));
  const v1::ConnectResponse resumed = Resume(client.session());
  EXPECT_TRUE(resumed.resumed());
  EXPECT_EQ(resumed.client_id(), client.id());
  EXPECT_EQ(resumed.session(), client.session());
  EXPECT_EQ(resumed.lease().seconds(), 60);
  EXPECT_THAT(resumed.rooms(), ElementsAre("A", "B"));
  Pass(absl::Seconds(50));

  v1::GetClientRequest get;
  get.set_client_id(client.id());
  v1::ClientInfo info = api_.Get(&v1::Registry::Stub::GetClient, get).client();
  EXPECT_EQ(info.name(), "worker");
  EXPECT_EQ(info.labels().at("zone"), "a");

  request.set_session(client.session());
  request.set_name("other");
  request.mutable_lease()->set_seconds(10);
  EXPECT_TRUE(api_.Get(&v1::MessageQueue::Stub::Connect, request).resumed());
  info = api_.Get(&v1::Registry::Stub::GetClient, get).client();
  EXPECT_EQ(info.name(), "other");
  EXPECT_EQ(info.lease().seconds(), 10);
  Pass(absl::Seconds(11));
  EXPECT_EQ(InfoOf(&api_).clients(), 0);
}

TEST_F(Sessions, AnOpenSubscriptionKeepsTheLease) {
  const TestClient client(&api_);
  auto listener = client.Subscribe("DB");
  for (int i = 0; i < 5; ++i) Pass(absl::Minutes(1));
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
  client.Publish("DB", "E", "still there");
  EXPECT_EQ(listener->NextMessage().payload(), "still there");

  // From its end on the lease runs.
  listener.reset();
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api_).subscriptions() == 0; }));
  Pass(absl::Seconds(29));
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
  Pass(absl::Seconds(2));
  EXPECT_EQ(InfoOf(&api_).clients(), 0);
}

TEST_F(Sessions, AnOpenPublishStreamKeepsTheLease) {
  const TestClient client(&api_);
  auto context = NewContext();
  auto stream = api_.queue().PublishStream(context.get());
  v1::PublishStreamRequest request;
  request.set_session(client.session());
  *request.add_messages() = MakeMessage("DB", "E", "");
  v1::PublishStreamResponse response;
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  for (int i = 0; i < 3; ++i) Pass(absl::Minutes(1));
  EXPECT_EQ(InfoOf(&api_).clients(), 1);
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_TRUE(response.has_accepted());
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  // It may be a moment until the server has put the stream away.
  EXPECT_TRUE(WaitUntil([&] {
    Pass(absl::Seconds(31));
    return InfoOf(&api_).clients() == 0;
  }));
}

TEST_F(Sessions, DisconnectEndsStreamsWithOkAndLeavesNothingBehind) {
  const TestClient client(&api_);
  client.Join({"A"});
  auto first = client.Subscribe("DB");
  auto second = client.Subscribe("FS");
  client.Disconnect();
  EXPECT_EQ(Summary(first->End()), "OK");
  EXPECT_EQ(Summary(second->End()), "OK");
  EXPECT_EQ(InfoOf(&api_).clients(), 0);
  EXPECT_EQ(InfoOf(&api_).rooms(), 0);
  EXPECT_EQ(InfoOf(&api_).subscriptions(), 0);
  v1::DisconnectRequest request;
  request.set_session(client.session());
  EXPECT_EQ(Summary(api_.Try(&v1::MessageQueue::Stub::Disconnect, request)), "NOT_FOUND SESSION_EXPIRED");
}

TEST_F(Sessions, ASessionIsASecret) {
  // Neither the id nor a guess that differs in one letter is a session.
  const TestClient client(&api_);
  EXPECT_EQ(Summary(TryJoin(client.id())), "NOT_FOUND SESSION_UNKNOWN");
  std::string guess = client.session();
  guess.back() = guess.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(Summary(TryJoin(guess)), "NOT_FOUND SESSION_EXPIRED");
  guess = client.session() + ".";
  EXPECT_EQ(Summary(TryJoin(guess)), "NOT_FOUND SESSION_UNKNOWN");
}

TEST_F(Sessions, AnyConnectionMayUseASession) {
  const TestClient client(&api_);
  Api other(server_);
  v1::JoinRequest join;
  join.set_session(client.session());
  join.add_rooms("A");
  EXPECT_EQ(other.Get(&v1::MessageQueue::Stub::Join, join).rooms(0).members(), 1);
  Listener listener(&other, client.SubscribeRequest("DB"));
  EXPECT_EQ(listener.ready().client_id(), client.id());
}

}  // namespace
}  // namespace nmq::integration
