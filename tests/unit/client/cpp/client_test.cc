#include "client/cpp/client.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "base/grpc_deadline.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::FakeServer;
using nmq::fake::kPatience;
using nmq::fake::Refusal;

class ClientTest : public ::testing::Test {
 protected:
  ClientOptions Options() {
    ClientOptions options;
    options.server = server_.address();
    options.namespace_name = "shop";
    options.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    return options;
  }
  ClientOptions LazyOptions() {
    ClientOptions options = Options();
    options.lazy = true;
    return options;
  }
  // Not reached: keeps its own error short.
  static std::unique_ptr<Client> MustConnect(ClientOptions options) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return client.ok() ? *std::move(client) : nullptr;
  }

  FakeServer server_;
};

TEST_F(ClientTest, ConnectEntersTheNamespaceWithNameLabelsAndLease) {
  ClientOptions options = Options();
  options.name = "logger";
  options.labels = {{"zone", "a"}};
  options.lease = absl::Milliseconds(7500);
  server_.limits.set_payload_bytes(77);
  const std::unique_ptr<Client> client = MustConnect(options);
  const v1::ConnectRequest request = server_.connects.Next();
  EXPECT_EQ(request.namespace_(), "shop");
  EXPECT_EQ(request.name(), "logger");
  EXPECT_EQ(request.labels().at("zone"), "a");
  EXPECT_EQ(request.lease().seconds(), 7);
  EXPECT_EQ(request.lease().nanos(), 500000000);
  EXPECT_EQ(request.session(), "");
  EXPECT_EQ(client->client_id(), "client-1");
  EXPECT_EQ(client->session(), "session-1");
  EXPECT_EQ(client->limits().payload_bytes(), 77u);
}

TEST_F(ClientTest, RefusalOfConnectIsReturnedWithItsReason) {
  server_.on_connect = [](const v1::ConnectRequest&, v1::ConnectResponse*) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "NAMESPACE_UNKNOWN", "no namespace \"shop\"");
  };
  const absl::Status status = Client::Connect(Options()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no namespace \"shop\"");
  EXPECT_EQ(ReasonOf(status), "NAMESPACE_UNKNOWN");
}

TEST_F(ClientTest, ServerThatIsNotThereIsUnavailableAtOnceWithoutPatience) {
  ClientOptions options = Options();
  options.wait_for_server = absl::ZeroDuration();
  options.connect_timeout = 100 * kPatience;
  server_.Stop();
  const Deadline deadline = Deadline::In(kPatience);
  EXPECT_EQ(Client::Connect(options).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(deadline.IsOver());
}

TEST_F(ClientTest, ServerThatComesWithinThePatienceIsReached) {
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  server_.Stop();
  std::thread starter([this] { server_.Start(); });
  EXPECT_NE(MustConnect(options), nullptr);
  starter.join();
}

TEST_F(ClientTest, BadOptionsAreRefused) {
  EXPECT_EQ(Client::Connect({.server = ""}).status().code(), absl::StatusCode::kInvalidArgument);
  ClientOptions options = Options();
  options.backoff.factor = 0.5;
  EXPECT_EQ(Client::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ClientTest, LazyClientConnectsWithItsFirstJoin) {
  const std::unique_ptr<Client> client = MustConnect(LazyOptions());
  EXPECT_EQ(server_.connects.total(), 0u);
  EXPECT_EQ(client->client_id(), "");
  ASSERT_TRUE(client->Join({"kitchen"}).ok());
  EXPECT_EQ(server_.connects.total(), 1u);
}

TEST_F(ClientTest, JoinAndLeaveReturnMemberCountsAndAreRemembered) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  const absl::StatusOr<std::vector<RoomCount>> joined = client->Join({"b", "a"});
  ASSERT_TRUE(joined.ok()) << joined.status();
  ASSERT_EQ(joined->size(), 2u);
  EXPECT_EQ((*joined)[0].room(), "b");
  EXPECT_EQ((*joined)[0].members(), 1u);
  EXPECT_EQ(client->rooms(), (std::vector<std::string>{"a", "b"}));
  const absl::StatusOr<std::vector<RoomCount>> left = client->Leave({"b"});
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_EQ((*left)[0].members(), 0u);
  EXPECT_EQ(client->rooms(), std::vector<std::string>{"a"});
}

TEST_F(ClientTest, RefusedJoinIsNotRemembered) {
  server_.on_join = [](const v1::JoinRequest&) {
    return Refusal(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "rooms[0]: no name");
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  EXPECT_EQ(client->Join({"!"}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(client->rooms().empty());
}

TEST_F(ClientTest, LostSessionIsRenewedOnceAndTheCallRepeated) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  ASSERT_TRUE(client->Join({"a"}).ok());
  server_.ForgetSessions();
  ASSERT_TRUE(client->Join({"b"}).ok());
  EXPECT_EQ(client->client_id(), "client-2");
  server_.joins.Next();
  EXPECT_EQ(server_.joins.Next().session(), "session-1");
  // The rooms of before come first.
  const v1::JoinRequest again = server_.joins.Next();
  EXPECT_EQ(again.session(), "session-2");
  EXPECT_EQ(again.rooms(0), "a");
  EXPECT_EQ(server_.joins.Next().rooms(0), "b");
}

TEST_F(ClientTest, SessionThatIsLostAgainIsAnError) {
  server_.on_join = [](const v1::JoinRequest&) {
    return Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_EXPIRED", "session: expired");
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  const absl::Status status = client->Join({"a"}).status();
  EXPECT_EQ(ReasonOf(status), "SESSION_EXPIRED");
  EXPECT_EQ(server_.joins.total(), 2u);
  EXPECT_EQ(server_.connects.total(), 2u);
}

TEST_F(ClientTest, LeaseIsRenewedWhileNothingElseDoes) {
  server_.lease = absl::Milliseconds(30);
  const std::unique_ptr<Client> client = MustConnect(Options());
  EXPECT_EQ(server_.connects.Next().session(), "");
  EXPECT_EQ(server_.connects.Next().session(), "session-1");
  EXPECT_EQ(server_.connects.Next().session(), "session-1");
  EXPECT_EQ(client->client_id(), "client-1");
}

TEST_F(ClientTest, RenewalThatFindsTheClientForgottenJoinsItsRoomsAgain) {
  server_.lease = absl::Milliseconds(30);
  const std::unique_ptr<Client> client = MustConnect(Options());
  ASSERT_TRUE(client->Join({"a", "b"}).ok());
  server_.ForgetSessions();
  EXPECT_EQ(server_.joins.Next().session(), "session-1");
  const v1::JoinRequest again = server_.joins.Next();
  EXPECT_EQ(again.session(), "session-2");
  EXPECT_EQ(again.rooms_size(), 2);
}

TEST_F(ClientTest, PublishSaysWhereTheMessageWent) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  const absl::StatusOr<PublishResult> result =
      client->Publish(MakeMessage("DB", "CREATE", "x"), {.count_matches = true});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->id, "message");
  EXPECT_EQ(result->epoch, 7u);
  EXPECT_EQ(result->sequence, 1u);
  EXPECT_EQ(result->matched, 3u);
  const v1::PublishRequest request = server_.publishes.Next();
  EXPECT_EQ(request.session(), "session-1");
  EXPECT_EQ(request.namespace_(), "shop");
  EXPECT_EQ(request.message().payload(), "x");
}

TEST_F(ClientTest, PublishSaysHowSafelyTheMessageIsHeldAndWhetherItWasThereBefore) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest& request, v1::PublishResponse* response) {
    response->set_duplicate(request.message().request_id() == "again");
    response->set_storage(v1::STORAGE_SYNCED);
    return grpc::Status::OK;
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  Message message = MakeMessage("DB", "CREATE", "x");
  const absl::StatusOr<PublishResult> first = client->Publish(message);
  message.set_request_id("again");
  const absl::StatusOr<PublishResult> again = client->Publish(message);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_FALSE(first->duplicate);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(first->storage, v1::STORAGE_SYNCED);
}

TEST_F(ClientTest, PublishExpectsALastSequenceOnlyIfAskedTo) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  ASSERT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x")).ok());
  EXPECT_FALSE(server_.publishes.Next().has_expected_last_sequence());
  ASSERT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x"), {.expected_last_sequence = 0}).ok());
  const v1::PublishRequest empty = server_.publishes.Next();
  EXPECT_TRUE(empty.has_expected_last_sequence());
  EXPECT_EQ(empty.expected_last_sequence(), 0);
  ASSERT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x"), {.expected_last_sequence = 17}).ok());
  EXPECT_EQ(server_.publishes.Next().expected_last_sequence(), 17);
}

TEST_F(ClientTest, MatchesAreUnsetUnlessAskedFor) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  const absl::StatusOr<PublishResult> result = client->Publish(MakeMessage("DB", "CREATE", ""));
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result->matched.has_value());
}

TEST_F(ClientTest, PublishWithoutSessionNeverConnects) {
  ClientOptions options = LazyOptions();
  options.publish_with_session = false;
  const std::unique_ptr<Client> client = MustConnect(options);
  ASSERT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x")).ok());
  EXPECT_EQ(server_.publishes.Next().session(), "");
  EXPECT_EQ(server_.connects.total(), 0u);
}

TEST_F(ClientTest, PublishWithALostSessionIsRepeatedAsTheNewClient) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  server_.ForgetSessions();
  ASSERT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x")).ok());
  EXPECT_EQ(server_.publishes.Next().session(), "session-1");
  EXPECT_EQ(server_.publishes.Next().session(), "session-2");
}

TEST_F(ClientTest, PublishWhoseAnswerWasLostIsNotRepeated) {
  server_.on_publish = [](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset");
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  EXPECT_EQ(client->Publish(MakeMessage("DB", "CREATE", "x")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_.publishes.total(), 1u);
}

TEST_F(ClientTest, PublishByWhoseIdTheQueueKnowsTheMessageIsRepeatedWhenItsAnswerWasLost) {
  server_.on_publish = [this](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    if (server_.publishes.total() < 3) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset");
    return grpc::Status::OK;
  };
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  const std::unique_ptr<Client> client = MustConnect(options);
  Message message = MakeMessage("DB", "CREATE", "x");
  message.set_request_id("order-17");
  EXPECT_TRUE(client->Publish(message, {.timeout = kPatience}).ok());
  EXPECT_EQ(server_.publishes.total(), 3u);
  EXPECT_EQ(server_.publishes.Next().message().request_id(), "order-17");
  EXPECT_EQ(server_.publishes.Next().message().request_id(), "order-17");
}

TEST_F(ClientTest, PublishThatTheServerRefusedBecauseItDrainsIsRepeated) {
  server_.on_publish = [this](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    if (server_.publishes.total() < 3) return Refusal(grpc::StatusCode::UNAVAILABLE, "DRAINING", "the server drains");
    return grpc::Status::OK;
  };
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  const std::unique_ptr<Client> client = MustConnect(options);
  EXPECT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x"), {.timeout = kPatience}).ok());
  EXPECT_EQ(server_.publishes.total(), 3u);
}

TEST_F(ClientTest, PublishEndsAtItsTimeout) {
  absl::Notification done;
  server_.on_publish = [&done](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    done.WaitForNotificationWithTimeout(kPatience);
    return grpc::Status::OK;
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  EXPECT_EQ(client->Publish(MakeMessage("DB", "CREATE", "x"), {.timeout = absl::Milliseconds(50)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  done.Notify();
  // Waits for the call that uses the notification.
  server_.Stop();
}

TEST_F(ClientTest, PublishWaitsForAServerThatComesBack) {
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  const std::unique_ptr<Client> client = MustConnect(options);
  server_.Stop();
  // A message that is sent before the client notices would be lost.
  EXPECT_TRUE(client->channel()->WaitForStateChange(GRPC_CHANNEL_READY, ToGrpc(Deadline::In(kPatience))));
  std::thread starter([this] { server_.Start(); });
  EXPECT_TRUE(client->Publish(MakeMessage("DB", "CREATE", "x"), {.timeout = kPatience}).ok());
  starter.join();
}

TEST_F(ClientTest, RequestBringsTheAnswers) {
  server_.on_request = [](const v1::RequestRequest&, v1::RequestResponse* response) {
    for (const char* payload : {"a", "b"}) response->add_answers()->set_payload(payload);
    response->mutable_answers(1)->mutable_error()->set_code(5);
    response->set_matched(3);
    response->mutable_position()->set_sequence(17);
    return grpc::Status::OK;
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  const absl::StatusOr<RequestResult> result =
      client->Request(MakeMessage("DB", "COUNT", "?"), {.timeout = absl::Milliseconds(1500), .replies_max = 2});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->answers.size(), 2u);
  EXPECT_EQ(result->answers[0].payload(), "a");
  EXPECT_TRUE(result->answers[1].has_error());
  EXPECT_EQ(result->matched, 3u);
  EXPECT_FALSE(result->complete);
  EXPECT_EQ(result->position.sequence(), 17u);
  const v1::RequestRequest request = server_.requests.Next();
  EXPECT_EQ(request.session(), "session-1");
  EXPECT_EQ(request.namespace_(), "shop");
  EXPECT_EQ(request.message().payload(), "?");
  EXPECT_EQ(request.timeout().seconds(), 1);
  EXPECT_EQ(request.timeout().nanos(), 500'000'000);
  EXPECT_EQ(request.replies_max(), 2u);
}

TEST_F(ClientTest, RequestThatNobodyHearsIsNotRepeated) {
  for (const char* reason : {"NOBODY_LISTENS", "QUESTION_ABANDONED"}) {
    server_.on_request = [reason](const v1::RequestRequest&, v1::RequestResponse*) {
      return Refusal(grpc::StatusCode::UNAVAILABLE, reason, "no");
    };
    const size_t before = server_.requests.total();
    ClientOptions options = Options();
    options.wait_for_server = kPatience;
    EXPECT_EQ(ReasonOf(MustConnect(options)->Request(MakeMessage("DB", "COUNT", "?")).status()), reason);
    EXPECT_EQ(server_.requests.total(), before + 1);
  }
}

TEST_F(ClientTest, RequestThatADrainingServerRefusesIsRepeated) {
  server_.on_request = [this](const v1::RequestRequest&, v1::RequestResponse*) {
    if (server_.requests.total() < 3) return Refusal(grpc::StatusCode::UNAVAILABLE, "DRAINING", "the server drains");
    return grpc::Status::OK;
  };
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  EXPECT_TRUE(MustConnect(options)->Request(MakeMessage("DB", "COUNT", "?"), {.timeout = kPatience}).ok());
  EXPECT_EQ(server_.requests.total(), 3u);
}

TEST_F(ClientTest, ReplySaysTheAnswer) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  Message question;
  question.set_reply_to("token");
  EXPECT_TRUE(client->Reply(question, "17", {.content_type = "text/plain", .headers = {{"h", "v"}}}).ok());
  const v1::ReplyRequest reply = server_.replies.Next();
  EXPECT_EQ(reply.session(), "session-1");
  EXPECT_EQ(reply.reply_to(), "token");
  EXPECT_EQ(reply.payload(), "17");
  EXPECT_EQ(reply.content_type(), "text/plain");
  EXPECT_EQ(reply.headers().at("h"), "v");
  EXPECT_FALSE(reply.has_error());
  EXPECT_TRUE(client->Reply(question, "", {.error = absl::NotFoundError("no record")}).ok());
  const v1::ReplyRequest error = server_.replies.Next();
  EXPECT_EQ(error.error().code(), 5);
  EXPECT_EQ(error.error().message(), "no record");
}

TEST_F(ClientTest, ReplyWhoseOutcomeWasLostIsOnceAnsweredAndFine) {
  server_.on_reply = [this](const v1::ReplyRequest&) {
    if (server_.replies.total() == 1) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset");
    return Refusal(grpc::StatusCode::NOT_FOUND, "ALREADY_ANSWERED", "answered");
  };
  ClientOptions options = Options();
  options.wait_for_server = kPatience;
  const std::unique_ptr<Client> client = MustConnect(options);
  EXPECT_TRUE(client->Reply({}, "17").ok());
  EXPECT_EQ(server_.replies.total(), 2u);
  EXPECT_EQ(ReasonOf(client->Reply({}, "again")), "ALREADY_ANSWERED");
}

TEST_F(ClientTest, DisconnectLeavesAndEndsTheClient) {
  const std::unique_ptr<Client> client = MustConnect(Options());
  EXPECT_TRUE(client->Disconnect().ok());
  EXPECT_EQ(server_.disconnects.Next().session(), "session-1");
  EXPECT_EQ(client->Join({"a"}).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(client->Publish(MakeMessage("DB", "CREATE", "")).status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(client->Disconnect().ok());
  EXPECT_EQ(server_.disconnects.total(), 1u);
}

TEST_F(ClientTest, DestructorLeaves) {
  MustConnect(Options()).reset();
  EXPECT_EQ(server_.disconnects.Next().session(), "session-1");
}

TEST_F(ClientTest, ClientThatNeverConnectedHasNothingToLeave) {
  MustConnect(LazyOptions()).reset();
  EXPECT_EQ(server_.disconnects.total(), 0u);
}

TEST_F(ClientTest, DisconnectCutsCallsThatWait) {
  absl::Notification arrived;
  absl::Notification done;
  server_.on_publish = [&](grpc::ServerContext*, const v1::PublishRequest&, v1::PublishResponse*) {
    arrived.Notify();
    done.WaitForNotificationWithTimeout(kPatience);
    return grpc::Status::OK;
  };
  const std::unique_ptr<Client> client = MustConnect(Options());
  absl::Status status;
  std::thread publisher([&] {
    status = client->Publish(MakeMessage("DB", "CREATE", "x"), {.timeout = absl::InfiniteDuration()}).status();
  });
  EXPECT_TRUE(arrived.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(client->Disconnect().ok());
  publisher.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  done.Notify();
  // Waits for the call that uses these notifications.
  server_.Stop();
}

TEST_F(ClientTest, DisconnectReturnsWithoutAServer) {
  ClientOptions options = Options();
  options.wait_for_server = absl::ZeroDuration();
  options.connect_timeout = 100 * kPatience;
  const std::unique_ptr<Client> client = MustConnect(options);
  server_.Stop();
  const Deadline deadline = Deadline::In(kPatience);
  EXPECT_FALSE(client->Disconnect().ok());
  EXPECT_FALSE(deadline.IsOver());
}

}  // namespace
}  // namespace client
}  // namespace nmq
