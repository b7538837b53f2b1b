#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "client/cpp/subscription.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"
#include "tests/unit/client/cpp/subscription_fixture.h"

namespace nmq {
inline namespace client {
namespace {

using nmq::fake::DrainFrame;
using nmq::fake::FakeSubscribe;
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

}  // namespace
}  // namespace client
}  // namespace nmq
