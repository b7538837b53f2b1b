#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/deadline.h"
#include "client/cpp/subscription.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"
#include "tests/unit/client/cpp/subscription_fixture.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::DrainFrame;
using nmq::fake::FakeSubscribe;
using nmq::fake::GapFrame;
using nmq::fake::Inbox;
using nmq::fake::kPatience;
using nmq::fake::MessagesFrame;
using nmq::fake::Refusal;

// What callbacks may do.
using SubscriptionCallbacks = nmq::fake::SubscriptionFixture;

TEST_F(SubscriptionCallbacks, CancelInACallbackStopsInTheMiddleOfABatch) {
  std::unique_ptr<Subscription> subscription;
  absl::Notification assigned;
  Inbox<uint64_t> sequences;
  absl::StatusOr<std::unique_ptr<Subscription>> result =
      client_->Subscribe({.patterns = {{"DB", ""}}}, {.on_message = [&](const Message& message) {
                           assigned.WaitForNotification();
                           sequences.Put(message.sequence());
                           if (message.sequence() == 12) subscription->Cancel();
                         }});
  ASSERT_TRUE(result.ok());
  subscription = *std::move(result);
  assigned.Notify();
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 20));
  EXPECT_TRUE(subscription->Wait(kPatience).ok());
  EXPECT_EQ(sequences.total(), 2u);
}

TEST_F(SubscriptionCallbacks, MayBeDestroyedInItsOwnCallback) {
  std::unique_ptr<Subscription> subscription;
  absl::Notification assigned;
  absl::Notification ended;
  absl::StatusOr<std::unique_ptr<Subscription>> result =
      client_->Subscribe({.patterns = {{"DB", ""}}}, {.on_message =
                                                          [&](const Message&) {
                                                            assigned.WaitForNotification();
                                                            subscription.reset();
                                                          },
                                                      .on_state =
                                                          [&](SubscriptionState state, const absl::Status&) {
                                                            if (state == SubscriptionState::kEnded) ended.Notify();
                                                          }});
  ASSERT_TRUE(result.ok());
  subscription = *std::move(result);
  assigned.Notify();
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 20));
  EXPECT_TRUE(ended.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(SubscriptionCallbacks, PositionsMayBeAskedForInACallback) {
  std::unique_ptr<Subscription> subscription;
  absl::Notification assigned;
  Inbox<uint64_t> positions;
  absl::StatusOr<std::unique_ptr<Subscription>> result =
      client_->Subscribe({.patterns = {{"DB", ""}}}, {.on_message = [&](const Message&) {
                           assigned.WaitForNotification();
                           positions.Put(subscription->positions()[0].sequence());
                         }});
  ASSERT_TRUE(result.ok());
  subscription = *std::move(result);
  assigned.Notify();
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 13));
  for (const uint64_t position : {11, 12, 13}) EXPECT_EQ(positions.Next(), position);
}

TEST_F(SubscriptionCallbacks, BlockedCallbackHoldsUpNoOtherSubscriptionAndLosesNothing) {
  absl::Notification released;
  Inbox<uint64_t> sequences;
  absl::StatusOr<std::unique_ptr<Subscription>> blocked =
      client_->Subscribe({.patterns = {{"DB", ""}}}, {.on_message = [&](const Message& message) {
                           released.WaitForNotification();
                           sequences.Put(message.sequence());
                         }});
  ASSERT_TRUE(blocked.ok());
  const std::shared_ptr<FakeSubscribe> blocked_stream = server_.subscribes.Next();
  // More than is taken in ahead.
  for (uint64_t i = 11; i < 111; ++i) blocked_stream->Send(MessagesFrame("DB", 3, i, i));
  const auto other = MustSubscribe();
  for (uint64_t i = 11; i < 111; ++i) {
    stream_->Send(MessagesFrame("DB", 3, i, i));
    ASSERT_EQ(heard_.Next(), absl::StrCat("DB 3/", i));
  }
  EXPECT_EQ(sequences.total(), 0u);
  released.Notify();
  for (uint64_t i = 11; i < 111; ++i) ASSERT_EQ(sequences.Next(), i);
}

TEST_F(SubscriptionCallbacks, WhatCameBeforeTheEndIsHeardBeforeIt) {
  absl::Notification released;
  Inbox<std::string> heard;
  absl::StatusOr<std::unique_ptr<Subscription>> subscription = client_->Subscribe(
      {.patterns = {{"DB", ""}}},
      {.on_message =
           [&](const Message& message) {
             released.WaitForNotification();
             heard.Put(absl::StrCat(message.sequence()));
           },
       .on_state = [&](SubscriptionState, const absl::Status& status) { heard.Put(std::string(status.message())); }});
  ASSERT_TRUE(subscription.ok());
  const std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
  for (uint64_t i = 11; i < 31; ++i) stream->Send(MessagesFrame("DB", 3, i, i));
  stream->End(Refusal(grpc::StatusCode::NOT_FOUND, "QUEUE_UNKNOWN", "the end"));
  released.Notify();
  EXPECT_EQ(heard.Next(), "");
  for (uint64_t i = 11; i < 31; ++i) ASSERT_EQ(heard.Next(), absl::StrCat(i));
  EXPECT_EQ(heard.Next(), "the end");
}

TEST_F(SubscriptionCallbacks, LeavesADrainingServerThoughMessagesWait) {
  absl::Notification released;
  Inbox<uint64_t> sequences;
  absl::StatusOr<std::unique_ptr<Subscription>> subscription =
      client_->Subscribe({.patterns = {{"DB", ""}}}, {.on_message = [&](const Message& message) {
                           released.WaitForNotification();
                           sequences.Put(message.sequence());
                         }});
  ASSERT_TRUE(subscription.ok());
  const std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
  stream->Send(DrainFrame(absl::ZeroDuration()));
  for (uint64_t i = 11; i < 21; ++i) stream->Send(MessagesFrame("DB", 3, i, i));
  EXPECT_TRUE(stream->AwaitCancelled());
  released.Notify();
  const std::shared_ptr<FakeSubscribe> next = server_.subscribes.Next();
  ASSERT_NE(next, nullptr);
  const uint64_t resumed = next->request().start().resume().positions(0).sequence();
  EXPECT_EQ(resumed, 10 + sequences.total());
}

// A subscription that hears nothing, so that its thread mostly polls, and calls back for others.
std::unique_ptr<Subscription> Idle(Client* client, fake::FakeServer* server) {
  auto idle = client->Subscribe({.patterns = {{"IDLE", "*"}}, .brief_callbacks = true}, {});
  EXPECT_TRUE(idle.ok()) << idle.status();
  server->subscribes.Next();
  return *std::move(idle);
}

TEST_F(SubscriptionCallbacks, BriefOnesComeInTheOrderOfTheFrames) {
  const auto idle = Idle(client_.get(), &server_);
  const auto subscription = client_->Subscribe({.patterns = {{"DB", "*"}}, .brief_callbacks = true}, Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  ASSERT_EQ(heard_.Next(), "connected");
  const std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
  std::vector<std::string> expected;
  for (uint64_t i = 11; i < 2011; i += 4) {
    stream->Send(MessagesFrame("DB", 3, i, i));
    stream->Send(GapFrame("DB", 3, i + 1, i + 1, v1::GAP_REASON_EXPIRED));
    stream->Send(MessagesFrame("DB", 3, i + 2, i + 3));
    expected.push_back(absl::StrCat("DB 3/", i));
    expected.push_back(absl::StrCat("gap DB 3/", i + 1, "-", i + 1));
    expected.push_back(absl::StrCat("DB 3/", i + 2));
    expected.push_back(absl::StrCat("DB 3/", i + 3));
  }
  for (const std::string& next : expected) ASSERT_EQ(heard_.Next(), next);
  EXPECT_EQ((*subscription)->positions()[0].sequence(), 2010u);
}

TEST_F(SubscriptionCallbacks, BriefOnesComeOnTheThreadThatPolls) {
  Inbox<bool> others;
  const auto other = client_->Subscribe({.patterns = {{"OTHER", "*"}}, .brief_callbacks = true},
                                        {.on_message = [&](const Message&) { others.Put(true); }});
  ASSERT_TRUE(other.ok()) << other.status();
  const std::shared_ptr<FakeSubscribe> other_stream = server_.subscribes.Next();
  std::atomic<std::thread::id> own;
  Inbox<std::thread::id> threads;
  Inbox<bool> released;
  const auto subscription = client_->Subscribe(
      {.patterns = {{"DB", "*"}}, .brief_callbacks = true},
      {.on_message = [&](const Message&) { threads.Put(std::this_thread::get_id()); },
       .on_gap = [&](const Gap&) { released.Next(); },
       .on_state = [&](SubscriptionState, const absl::Status&) { own = std::this_thread::get_id(); }});
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  const std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
  // Either thread may poll, and goes on as long as it is not woken itself. A gap wakes the subscription's own, which
  // then stays in its callback until the other has polled what came for the other.
  bool elsewhere = false;
  const Deadline deadline = Deadline::In(kPatience);
  for (uint64_t i = 11; !elsewhere && !deadline.IsOver(); i += 2) {
    stream->Send(GapFrame("DB", 3, i, i, v1::GAP_REASON_EXPIRED));
    other_stream->Send(MessagesFrame("OTHER", 3, i, i));
    others.Next();
    released.Put(true);
    stream->Send(MessagesFrame("DB", 3, i + 1, i + 1));
    elsewhere = threads.Next() != own.load();
  }
  EXPECT_TRUE(elsewhere);
}

TEST_F(SubscriptionCallbacks, SubscribeInABriefOneIsRefused) {
  Inbox<absl::Status> refusals;
  const auto subscription =
      client_->Subscribe({.patterns = {{"DB", "*"}}, .brief_callbacks = true}, {.on_message = [&](const Message&) {
                           refusals.Put(client_->Subscribe({.patterns = {{"DB", "*"}}}, {}).status());
                         }});
  ASSERT_TRUE(subscription.ok());
  // The first frames may find the subscription's thread still busy; it may wait.
  const std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
  absl::Status refusal;
  for (uint64_t i = 11; i < 111 && refusal.ok(); ++i) {
    stream->Send(MessagesFrame("DB", 3, i, i));
    refusal = refusals.Next();
  }
  EXPECT_EQ(refusal.code(), absl::StatusCode::kFailedPrecondition) << refusal;
}

TEST_F(SubscriptionCallbacks, AnotherSubscriptionMayBeDestroyedInABriefOne) {
  const auto idle = Idle(client_.get(), &server_);
  std::unique_ptr<Subscription> other = MustSubscribe({.patterns = {{"DB", "*"}}, .brief_callbacks = true});
  absl::Notification destroyed;
  const auto subscription =
      client_->Subscribe({.patterns = {{"DB", "*"}}, .brief_callbacks = true}, {.on_message = [&](const Message&) {
                           if (other == nullptr) return;
                           other.reset();
                           destroyed.Notify();
                         }});
  ASSERT_TRUE(subscription.ok());
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 11));
  EXPECT_TRUE(destroyed.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(heard_.Next(), "ended");
}

TEST_F(SubscriptionCallbacks, BriefOneMayDestroyItsOwnSubscription) {
  std::unique_ptr<Subscription> subscription;
  absl::Notification assigned;
  absl::Notification ended;
  absl::StatusOr<std::unique_ptr<Subscription>> result = client_->Subscribe(
      {.patterns = {{"DB", ""}}, .brief_callbacks = true}, {.on_message =
                                                                [&](const Message&) {
                                                                  assigned.WaitForNotification();
                                                                  subscription.reset();
                                                                },
                                                            .on_state =
                                                                [&](SubscriptionState state, const absl::Status&) {
                                                                  if (state == SubscriptionState::kEnded)
                                                                    ended.Notify();
                                                                }});
  ASSERT_TRUE(result.ok());
  subscription = *std::move(result);
  assigned.Notify();
  server_.subscribes.Next()->Send(MessagesFrame("DB", 3, 11, 20));
  EXPECT_TRUE(ended.WaitForNotificationWithTimeout(kPatience));
}

}  // namespace
}  // namespace client
}  // namespace nmq
