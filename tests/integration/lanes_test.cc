// A part of the server that serves subscriptions beside gRPC, on a lane of its own.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/broker/broker.h"
#include "server/queue/ready.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

// A subscription that the test's own thread serves.
class OwnSubscriber final : public broker::Subscription::Owner {
 public:
  OwnSubscriber(TestServer* server, broker::Lane* lane, const std::string& session) : lane_(lane) {
    lane->set_wake([this] { woken_ = true; });
    v1::SubscribeRequest request;
    request.set_session(session);
    request.add_patterns()->set_queue("**");
    auto wish = server->broker().CheckSubscribe(Call(Right::kSubscribe, Transport::kGrpc, "own"), request, lane, this);
    EXPECT_TRUE(wish.ok()) << wish.status();
    name_space_ = wish->name_space;
    v1::Ready ready;
    auto subscription = server->broker().Subscribe(*std::move(wish), &ready);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    subscription_ = *std::move(subscription);
  }
  ~OwnSubscriber() override { name_space_->Unsubscribe(subscription_.get(), "CLOSED"); }

  // The payloads that come, once the lane has been woken.
  std::vector<std::string> WaitForPayloads() {
    EXPECT_TRUE(WaitUntil([this] { return woken_.exchange(false); }));
    std::vector<broker::Subscriber*> ready;
    broker::TakeReady(lane_, &ready);
    std::vector<std::string> payloads;
    for (broker::Subscriber* subscriber : ready) {
      EXPECT_EQ(subscriber, subscription_.get());
      subscriber->ClearReady();
      broker::Delivery delivery;
      EXPECT_TRUE(subscription_->Read(1 << 20, &delivery).ok());
      std::string bytes;
      for (const log::ByteRange& range : delivery.ranges) bytes.append(range.data(), range.length);
      v1::Batch batch;
      EXPECT_TRUE(batch.ParseFromString(bytes));
      for (const v1::Message& message : batch.messages()) payloads.push_back(message.payload());
    }
    return payloads;
  }

  void OnReady() override {}

 private:
  broker::Lane* const lane_;
  broker::Namespace* name_space_ = nullptr;
  std::shared_ptr<broker::Subscription> subscription_;
  std::atomic<bool> woken_{false};
};

TEST(Lanes, SubscriptionsBesideGrpcHearWhatComesThroughGrpc) {
  TestServer server({.lanes = 2, .other_lanes = 1});
  Api api(server);
  const TestClient client(&api);
  OwnSubscriber own(&server, server.other_lanes().at(0), client.session());
  auto listener = client.Subscribe("DB");
  client.Publish("DB", "CREATE", "hello");
  EXPECT_THAT(own.WaitForPayloads(), testing::ElementsAre("hello"));
  EXPECT_EQ(listener->NextMessage().payload(), "hello");
  client.Publish("DB", "CREATE", "again");
  EXPECT_THAT(own.WaitForPayloads(), testing::ElementsAre("again"));
  EXPECT_EQ(listener->NextMessage().payload(), "again");
}

}  // namespace
}  // namespace nmq::integration
