// A client that subscribes at a scripted server.
#ifndef NMQ_TESTS_UNIT_CLIENT_CPP_SUBSCRIPTION_FIXTURE_H_
#define NMQ_TESTS_UNIT_CLIENT_CPP_SUBSCRIPTION_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
namespace fake {

class SubscriptionFixture : public ::testing::Test {
 protected:
  SubscriptionFixture() {
    ClientOptions options;
    options.server = server_.address();
    options.backoff = {.initial = absl::Milliseconds(5), .max = absl::Milliseconds(50)};
    options.wait_for_server = kPatience;
    options.connect_timeout = 10 * kPatience;
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    server_.connects.Next();
    server_.on_subscribe = [this](FakeSubscribe* stream) { stream->Send(ready_); };
  }

  // Everything that the handler hears, as text: "DB 3/11", "gap DB 3/11-20", "connected", ...
  SubscriptionHandler Handler() {
    return {.on_message =
                [this](const Message& message) {
                  heard_.Put(absl::StrCat(message.queue(), " ", message.epoch(), "/", message.sequence()));
                },
            .on_gap =
                [this](const Gap& gap) {
                  heard_.Put(absl::StrCat("gap ", gap.queue(), " ", gap.epoch(), "/", gap.first(), "-", gap.last()));
                },
            .on_state =
                [this](SubscriptionState state, const absl::Status& status) {
                  constexpr const char* kNames[] = {"connected", "reconnecting", "ended"};
                  heard_.Put(kNames[static_cast<int>(state)]);
                  if (!status.ok()) reasons_.Put(status);
                }};
  }

  // Who calls MustSubscribe's handlers.
  enum class Calls { kOwnThread, kReceiver, kSharedThread };
  virtual Calls calls() const { return Calls::kOwnThread; }

  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(SubscribeOptions options) {
    options.brief_callbacks |= calls() == Calls::kReceiver;
    if (calls() == Calls::kSharedThread) options.thread = thread_;
    return client_->Subscribe(std::move(options), Handler());
  }

  std::unique_ptr<Subscription> MustSubscribe(SubscribeOptions options = {.patterns = {{"DB", "*"}}}) {
    absl::StatusOr<std::unique_ptr<Subscription>> subscription = Subscribe(std::move(options));
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    EXPECT_EQ(heard_.Next(), "connected");
    stream_ = server_.subscribes.Next();
    return subscription.ok() ? *std::move(subscription) : nullptr;
  }

  // The stream that follows when this one is lost.
  std::shared_ptr<FakeSubscribe> AwaitReconnect() {
    EXPECT_EQ(heard_.Next(), "reconnecting");
    std::shared_ptr<FakeSubscribe> stream = server_.subscribes.Next();
    EXPECT_EQ(heard_.Next(), "connected");
    return stream;
  }

  const std::shared_ptr<SubscriptionThread> thread_ = std::make_shared<SubscriptionThread>();
  FakeServer server_;
  v1::SubscribeResponse ready_ = ReadyFrame({At("DB", 3, 10)});
  Inbox<std::string> heard_;
  Inbox<absl::Status> reasons_;
  std::unique_ptr<Client> client_;
  std::shared_ptr<FakeSubscribe> stream_;
};

// The same facts with callbacks on the subscription's thread, on the one that receives, and on one that others share.
class EitherThread : public SubscriptionFixture, public ::testing::WithParamInterface<int> {
 protected:
  Calls calls() const override { return static_cast<Calls>(GetParam()); }
};

inline std::string ThreadName(const ::testing::TestParamInfo<int>& info) {
  constexpr const char* kNames[] = {"Own", "Brief", "Shared"};
  return kNames[info.param];
}

}  // namespace fake
}  // namespace nmq

#endif  // NMQ_TESTS_UNIT_CLIENT_CPP_SUBSCRIPTION_FIXTURE_H_
