// Subscriptions on a thread that they share, at a scripted server.
#include "client/cpp/subscription_thread.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/synchronization/notification.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"
#include "tests/unit/client/cpp/subscription_fixture.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::FakeSubscribe;
using nmq::fake::Inbox;
using nmq::fake::kPatience;
using nmq::fake::MessagesFrame;

class SharedThread : public nmq::fake::SubscriptionFixture {
 protected:
  Calls calls() const override { return Calls::kSharedThread; }

  SubscribeOptions Options() const { return {.patterns = {{"DB", "*"}}, .thread = thread_}; }
};

TEST_F(SharedThread, CallsTheHandlersOfSeveralClients) {
  const absl::StatusOr<std::unique_ptr<Client>> other = Client::Connect({.server = server_.address()});
  ASSERT_TRUE(other.ok()) << other.status();
  Inbox<std::thread::id> threads;
  const SubscriptionHandler handler = {.on_message = [&](const Message&) { threads.Put(std::this_thread::get_id()); }};
  const auto first = client_->Subscribe(Options(), handler);
  const auto second = (*other)->Subscribe(Options(), handler);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  for (int i = 0; i < 2; ++i) server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 12));
  const std::thread::id thread = threads.Next();
  EXPECT_NE(thread, std::this_thread::get_id());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(threads.Next(), thread);
}

TEST_F(SharedThread, IsNotForGroupsNorForBriefCallbacks) {
  SubscribeOptions group = Options();
  group.group.emplace().set_name("workers");
  EXPECT_EQ(client_->Subscribe(group, {}).status().message(),
            "SubscribeOptions.thread: is not for a member of a group, whose messages have deadlines; leave it out");
  SubscribeOptions brief = Options();
  brief.brief_callbacks = true;
  EXPECT_EQ(client_->Subscribe(brief, {}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SharedThread, SubscribeInAHandlerIsRefused) {
  Inbox<absl::Status> refusals;
  const auto subscription = client_->Subscribe(
      Options(), {.on_message = [&](const Message&) { refusals.Put(client_->Subscribe(Options(), {}).status()); }});
  ASSERT_TRUE(subscription.ok());
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(refusals.Next().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SharedThread, AnotherSubscriptionMayBeDestroyedInAHandler) {
  std::unique_ptr<Subscription> other = MustSubscribe();
  const auto subscription = client_->Subscribe(Options(), {.on_message = [&](const Message&) { other.reset(); }});
  ASSERT_TRUE(subscription.ok());
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "ended");
}

TEST_F(SharedThread, ASubscriptionMayDestroyItself) {
  std::unique_ptr<Subscription> subscription;
  absl::Notification assigned;
  Inbox<std::string> said;
  absl::StatusOr<std::unique_ptr<Subscription>> result =
      client_->Subscribe(Options(), {.on_message =
                                         [&](const Message& message) {
                                           assigned.WaitForNotification();
                                           said.Put(std::to_string(message.sequence()));
                                           subscription.reset();
                                         },
                                     .on_state =
                                         [&](SubscriptionState state, const absl::Status&) {
                                           if (state == SubscriptionState::kEnded) said.Put("ended");
                                         }});
  ASSERT_TRUE(result.ok());
  subscription = *std::move(result);
  assigned.Notify();
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 20));
  EXPECT_EQ(said.Next(), "11");
  EXPECT_EQ(said.Next(), "ended");
}

TEST_F(SharedThread, OneThatIsLostHoldsUpNoOther) {
  const auto lost = MustSubscribe();
  const std::shared_ptr<FakeSubscribe> lost_stream = stream_;
  const auto other = MustSubscribe();
  const std::shared_ptr<FakeSubscribe> other_stream = stream_;
  server_.on_subscribe = [](FakeSubscribe*) {};
  lost_stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection reset"));
  EXPECT_EQ(heard_.Next(), "reconnecting");
  EXPECT_NE(server_.subscribes.Next(), nullptr);
  other_stream->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
}

TEST_F(SharedThread, GoesOnWithoutTheOneWhoMadeIt) {
  SubscribeOptions options = {.patterns = {{"DB", "*"}}, .thread = std::make_shared<SubscriptionThread>()};
  const auto subscription = client_->Subscribe(std::move(options), Handler());
  ASSERT_TRUE(subscription.ok());
  EXPECT_EQ(heard_.Next(), "connected");
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_EQ(heard_.Next(), "DB 3/11");
  (*subscription)->Cancel();
  EXPECT_TRUE((*subscription)->Wait(kPatience).ok());
}

}  // namespace
}  // namespace client
}  // namespace nmq
