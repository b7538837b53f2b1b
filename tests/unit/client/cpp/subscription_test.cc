#include "client/cpp/subscription.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"
#include "tests/unit/client/cpp/subscription_fixture.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::At;
using nmq::fake::DrainFrame;
using nmq::fake::FakeSubscribe;
using nmq::fake::GapFrame;
using nmq::fake::HeartbeatFrame;
using nmq::fake::kPatience;
using nmq::fake::MessagesFrame;
using nmq::fake::ReadyFrame;
using nmq::fake::Refusal;

const grpc::Status kGone(grpc::StatusCode::UNAVAILABLE, "connection reset");

class SubscriptionTest : public nmq::fake::EitherThread {};

INSTANTIATE_TEST_SUITE_P(Callbacks, SubscriptionTest, ::testing::Range(0, 3), nmq::fake::ThreadName);

TEST_P(SubscriptionTest, AsksForWhatTheOptionsSay) {
  const auto subscription = MustSubscribe({.patterns = {{"DB", "CREATE"}, {"FS", ""}},
                                           .rooms = {"kitchen"},
                                           .start = StartLast(5),
                                           .overflow = v1::OVERFLOW_DISCONNECT});
  const v1::SubscribeRequest& request = stream_->request();
  EXPECT_EQ(request.session(), "session-1");
  ASSERT_EQ(request.patterns_size(), 2);
  EXPECT_EQ(request.patterns(0).event(), "CREATE");
  EXPECT_EQ(request.patterns(1).queue(), "FS");
  EXPECT_EQ(request.rooms(0), "kitchen");
  EXPECT_EQ(request.start().last(), 5u);
  EXPECT_EQ(request.overflow(), v1::OVERFLOW_DISCONNECT);
  EXPECT_EQ(subscription->id(), "subscription");
  EXPECT_EQ(client_->rooms(), std::vector<std::string>{"kitchen"});
}

TEST_P(SubscriptionTest, AsksForHeadersAndHowManyMayWait) {
  const auto subscription = MustSubscribe({.patterns = {{"DB", ""}},
                                           .headers = {{.name = "region", .value = "eu"}, {.name = "urgent"}},
                                           .overflow = v1::OVERFLOW_DROP_NEWEST,
                                           .overflow_messages = 7});
  const v1::SubscribeRequest& request = stream_->request();
  ASSERT_EQ(request.headers_size(), 2);
  EXPECT_EQ(request.headers(0).name(), "region");
  EXPECT_EQ(request.headers(0).value(), "eu");
  EXPECT_EQ(request.headers(1).name(), "urgent");
  EXPECT_FALSE(request.headers(1).has_value());
  EXPECT_EQ(request.overflow(), v1::OVERFLOW_DROP_NEWEST);
  EXPECT_EQ(request.overflow_messages(), 7u);
}

TEST_P(SubscriptionTest, LeavesTheOverflowPolicyToTheQueueIfNothingIsSaid) {
  const auto subscription = MustSubscribe({.patterns = {{"DB", ""}}});
  EXPECT_EQ(stream_->request().overflow(), v1::OVERFLOW_UNSPECIFIED);
}

TEST_P(SubscriptionTest, RefusalIsReturned) {
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->End(Refusal(grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", "patterns: is empty"));
  };
  const absl::Status status = Subscribe({}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "patterns: is empty");
  EXPECT_EQ(heard_.Next(), "ended");
  EXPECT_EQ(server_.subscribes.total(), 1u);
}

TEST_P(SubscriptionTest, ServerThatNeverSaysReadyIsNotWaitedForForEver) {
  server_.on_subscribe = [](FakeSubscribe*) {};
  ClientOptions options;
  options.server = server_.address();
  options.wait_for_server = absl::ZeroDuration();
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(options);
  ASSERT_TRUE(client.ok());
  const absl::Status status =
      (*client)->Subscribe({.patterns = {{"DB", ""}}, .ready_timeout = absl::Milliseconds(30)}, Handler()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

TEST_P(SubscriptionTest, HandsOnMessagesAndGapsInOrder) {
  const auto subscription = MustSubscribe();
  stream_->Send(MessagesFrame("DB", 3, 11, 12));
  stream_->Send(GapFrame("DB", 3, 13, 20, v1::GAP_REASON_SLOW_SUBSCRIBER));
  stream_->Send(MessagesFrame("DB", 3, 21, 21));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
  EXPECT_EQ(heard_.Next(), "DB 3/12");
  EXPECT_EQ(heard_.Next(), "gap DB 3/13-20");
  EXPECT_EQ(heard_.Next(), "DB 3/21");
  const SubscriptionCounts counts = subscription->counts();
  EXPECT_EQ(counts.messages, 3u);
  EXPECT_EQ(counts.gaps, 1u);
  EXPECT_EQ(counts.missed, 8u);
}

TEST_P(SubscriptionTest, LostStreamIsResumedAfterTheLastMessage) {
  const auto subscription = MustSubscribe();
  stream_->Send(MessagesFrame("DB", 3, 11, 13));
  stream_->End(kGone);
  for (const char* message : {"DB 3/11", "DB 3/12", "DB 3/13"}) EXPECT_EQ(heard_.Next(), message);
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  EXPECT_EQ(reasons_.Next().message(), "connection reset");
  EXPECT_EQ(server_.connects.Next().session(), "session-1");
  EXPECT_EQ(next->request().session(), "session-1");
  ASSERT_EQ(next->request().start().resume().positions_size(), 1);
  EXPECT_EQ(next->request().start().resume().positions(0).epoch(), 3u);
  EXPECT_EQ(next->request().start().resume().positions(0).sequence(), 13u);
  EXPECT_EQ(subscription->counts().reconnects, 1u);
}

TEST_P(SubscriptionTest, NoMessageIsHeardTwice) {
  const auto subscription = MustSubscribe();
  stream_->Send(MessagesFrame("DB", 3, 11, 13));
  stream_->End(kGone);
  for (const char* message : {"DB 3/11", "DB 3/12", "DB 3/13"}) EXPECT_EQ(heard_.Next(), message);
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  next->Send(MessagesFrame("DB", 3, 12, 14));
  EXPECT_EQ(heard_.Next(), "DB 3/14");
}

TEST_P(SubscriptionTest, HeartbeatsMoveThePositionToResumeFrom) {
  const auto subscription = MustSubscribe();
  stream_->Send(HeartbeatFrame({At("DB", 3, 90), At("FS", 1, 4)}));
  stream_->End(kGone);
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  ASSERT_EQ(next->request().start().resume().positions_size(), 2);
  EXPECT_EQ(next->request().start().resume().positions(0).sequence(), 90u);
  EXPECT_EQ(next->request().start().resume().positions(1).sequence(), 4u);
}

TEST_P(SubscriptionTest, RefusedWhileReconnectingEndsIt) {
  const auto subscription = MustSubscribe();
  server_.on_subscribe = [](FakeSubscribe* stream) {
    stream->End(Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_UNKNOWN", "no queue \"DB\""));
  };
  stream_->End(kGone);
  EXPECT_EQ(subscription->Wait(kPatience).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(heard_.Next(), "reconnecting");
  EXPECT_EQ(heard_.Next(), "ended");
}

TEST_P(SubscriptionTest, TooSlowAWishedEndIsFinal) {
  const auto subscription = MustSubscribe();
  stream_->End(Refusal(grpc::StatusCode::RESOURCE_EXHAUSTED, "SLOW_SUBSCRIBER", "too slow"));
  const absl::Status end = subscription->Wait(kPatience);
  EXPECT_EQ(end.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(end), "SLOW_SUBSCRIBER");
  EXPECT_EQ(heard_.Next(), "ended");
  EXPECT_EQ(server_.subscribes.total(), 0u + 1u);
}

TEST_P(SubscriptionTest, RestartedServerIsFoundAgainWithRoomsAndPositions) {
  const auto subscription = MustSubscribe({.patterns = {{"DB", ""}}, .rooms = {"a"}});
  ASSERT_TRUE(client_->Join({"b"}).ok());
  stream_->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
  ready_ = ReadyFrame({At("DB", 4, 0)});
  server_.joins.Next();
  server_.Stop();
  server_.ForgetSessions();
  server_.Start();
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  const v1::JoinRequest rejoin = server_.joins.Next();
  EXPECT_EQ(rejoin.session(), "session-2");
  EXPECT_EQ(rejoin.rooms_size(), 2);
  EXPECT_EQ(next->request().session(), "session-2");
  EXPECT_EQ(next->request().rooms(0), "a");
  EXPECT_EQ(next->request().start().resume().positions(0).epoch(), 3u);
  next->Send(GapFrame("DB", 3, 12, 0, v1::GAP_REASON_EPOCH_CHANGED));
  next->Send(MessagesFrame("DB", 4, 1, 1));
  EXPECT_EQ(heard_.Next(), "gap DB 3/12-0");
  EXPECT_EQ(heard_.Next(), "DB 4/1");
}

TEST_P(SubscriptionTest, ExpiredSessionOnAStreamIsReplaced) {
  const auto subscription = MustSubscribe();
  server_.ForgetSessions();
  stream_->End(Refusal(grpc::StatusCode::NOT_FOUND, "SESSION_EXPIRED", "session: expired"));
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  EXPECT_EQ(next->request().session(), "session-2");
}

TEST_P(SubscriptionTest, SubscribeWithALostSessionConnectsAnew) {
  server_.ForgetSessions();
  absl::StatusOr<std::unique_ptr<Subscription>> subscription =
      Subscribe({.patterns = {{"DB", ""}}, .start = StartEarliest()});
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  EXPECT_EQ(server_.subscribes.Next()->request().session(), "session-1");
  const std::shared_ptr<FakeSubscribe> next = server_.subscribes.Next();
  EXPECT_EQ(next->request().session(), "session-2");
  EXPECT_TRUE(next->request().start().earliest());
}

TEST_P(SubscriptionTest, RoomsThatWereLeftAreNotJoinedAgain) {
  const auto subscription = MustSubscribe({.patterns = {{"DB", ""}}, .rooms = {"a", "b"}});
  ASSERT_TRUE(client_->Leave({"a"}).ok());
  stream_->End(kGone);
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  ASSERT_EQ(next->request().rooms_size(), 1);
  EXPECT_EQ(next->request().rooms(0), "b");
}

TEST_P(SubscriptionTest, LeavesADrainingServerBeforeItIsCutOff) {
  const auto subscription = MustSubscribe();
  stream_->Send(DrainFrame(absl::Milliseconds(20)));
  const std::shared_ptr<FakeSubscribe> next = AwaitReconnect();
  EXPECT_TRUE(stream_->AwaitCancelled());
  EXPECT_EQ(next->request().start().resume().positions(0).sequence(), 10u);
}

TEST_P(SubscriptionTest, StreamWithoutHeartbeatsIsTakenForDead) {
  ready_ = ReadyFrame({At("DB", 3, 10)}, absl::Milliseconds(20));
  const auto subscription = MustSubscribe();
  EXPECT_TRUE(stream_->AwaitCancelled());
  AwaitReconnect();
  EXPECT_EQ(reasons_.Next().code(), absl::StatusCode::kUnavailable);
}

TEST_P(SubscriptionTest, StreamOfMessagesWithoutHeartbeatsIsNotTakenForDead) {
  // Three of them are silence.
  ready_ = ReadyFrame({At("DB", 3, 10)}, absl::Seconds(1));
  const auto subscription = MustSubscribe();
  const Deadline end = Deadline::In(absl::Milliseconds(3500));
  for (uint64_t i = 11; !end.IsOver(); ++i) {
    stream_->Send(MessagesFrame("DB", 3, i, i));
    ASSERT_EQ(heard_.Next(), absl::StrCat("DB 3/", i));
  }
}

TEST_P(SubscriptionTest, TwoStreamsLostTogetherConnectOnce) {
  const auto first = MustSubscribe();
  const std::shared_ptr<FakeSubscribe> first_stream = stream_;
  const auto second = MustSubscribe();
  const std::shared_ptr<FakeSubscribe> second_stream = stream_;
  server_.Stop();
  server_.Start();
  EXPECT_NE(server_.subscribes.Next(), nullptr);
  EXPECT_NE(server_.subscribes.Next(), nullptr);
  EXPECT_EQ(server_.connects.Next().session(), "session-1");
}

TEST_P(SubscriptionTest, CancelEndsWithOk) {
  const auto subscription = MustSubscribe();
  subscription->Cancel();
  EXPECT_TRUE(subscription->Wait(kPatience).ok());
  EXPECT_EQ(heard_.Next(), "ended");
  EXPECT_TRUE(stream_->AwaitCancelled());
}

TEST_P(SubscriptionTest, WaitGivesUpAfterItsTimeout) {
  const auto subscription = MustSubscribe();
  EXPECT_EQ(subscription->Wait(absl::Milliseconds(1)).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(SubscriptionTest, DisconnectEndsSubscriptions) {
  const auto subscription = MustSubscribe();
  EXPECT_TRUE(client_->Disconnect().ok());
  EXPECT_TRUE(subscription->Wait(kPatience).ok());
}

TEST_P(SubscriptionTest, SubscribeAfterDisconnectIsRefused) {
  EXPECT_TRUE(client_->Disconnect().ok());
  EXPECT_EQ(Subscribe({.patterns = {{"DB", ""}}}).status().code(), absl::StatusCode::kCancelled);
}

TEST_P(SubscriptionTest, OutlivesItsClientObject) {
  const auto subscription = MustSubscribe();
  client_.reset();
  EXPECT_TRUE(subscription->Wait(kPatience).ok());
}

TEST_P(SubscriptionTest, DestroyedWhileTheServerIsGoneEndsAtOnce) {
  auto subscription = MustSubscribe();
  server_.Stop();
  EXPECT_EQ(heard_.Next(), "reconnecting");
  const Deadline deadline = Deadline::In(kPatience);
  subscription.reset();
  EXPECT_FALSE(deadline.IsOver()) << "and does not wait for what bounds an attempt to reach the server";
}

TEST_P(SubscriptionTest, PositionsAreThoseOfWhatWasHandedOn) {
  const auto subscription = MustSubscribe();
  stream_->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
  ASSERT_EQ(subscription->positions().size(), 1u);
  EXPECT_EQ(subscription->positions()[0].sequence(), 11u);
}

}  // namespace
}  // namespace client
}  // namespace nmq
