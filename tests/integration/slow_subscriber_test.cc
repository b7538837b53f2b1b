// One subscriber that does not read is nobody else's trouble.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/grpc/server.h"
#include "tests/integration/coverage.h"
#include "tests/integration/fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

constexpr char kSmallQueues[] = "limits { queue_bytes: 1048576 in_flight_bytes: 32768 stall { seconds: 1 } }";
constexpr int kBatch = 100;
constexpr int kPayloadBytes = 1000;

class SlowSubscriber : public testing::Test {
 protected:
  // Publishes `batches` batches of messages, each one heard by all of `listeners` before the next one.
  void PublishPaced(int batches, const std::vector<Listener*>& listeners) {
    auto context = NewContext();
    auto stream = publishing_.queue().PublishStream(context.get());
    v1::PublishStreamRequest request;
    for (int i = 0; i < kBatch; ++i) {
      *request.add_messages() = MakeMessage("DB", "E", std::string(kPayloadBytes, 'x'));
    }
    for (int i = 0; i < batches; ++i) {
      v1::PublishStreamResponse response;
      ASSERT_TRUE(stream->Write(request));
      ASSERT_TRUE(stream->Read(&response));
      const v1::SequenceRange& range = response.accepted().ranges(0);
      for (Listener* listener : listeners) {
        for (uint64_t sequence = range.first(); sequence <= range.last(); ++sequence) {
          ASSERT_EQ(listener->NextMessage().sequence(), sequence);
        }
      }
      published_ = range.last();
    }
    stream->WritesDone();
    EXPECT_EQ(Summary(stream->Finish()), "OK");
  }

  // Reads until all that was published has come or been counted.
  Coverage CatchUp(Listener* listener) {
    Coverage coverage;
    while (coverage.next() <= published_) {
      const auto frame = listener->NextFrame();
      if (!frame.has_value()) {
        ADD_FAILURE() << Summary(listener->End());
        break;
      }
      coverage.Add(*frame);
    }
    return coverage;
  }

  v1::SubscriptionInfo InfoOfSubscription(const std::string& id) {
    const auto list = api_.Get(&v1::Registry::Stub::ListSubscriptions, v1::ListSubscriptionsRequest());
    for (const v1::SubscriptionInfo& info : list.subscriptions()) {
      if (info.id() == id) return info;
    }
    ADD_FAILURE() << "no subscription " << id;
    return v1::SubscriptionInfo();
  }

  TestServer server_{kSmallQueues};
  Api api_{server_};
  Api publishing_{server_};
  uint64_t published_ = 0;
};

TEST_F(SlowSubscriber, OthersHearEverythingInOrderBesideAStalledConnection) {
  TcpProxy proxy(server_.port());
  Api stalled_api(proxy.address());
  auto stalled = TestClient(&stalled_api).Subscribe("DB");
  proxy.Stall(true);
  std::vector<std::unique_ptr<Listener>> healthy;
  std::vector<Listener*> listeners;
  for (int i = 0; i < 5; ++i) {
    healthy.push_back(TestClient(&api_).Subscribe("DB"));
    listeners.push_back(healthy.back().get());
  }
  PublishPaced(200, listeners);

  const v1::SubscriptionInfo info = InfoOfSubscription(stalled->ready().subscription_id());
  EXPECT_LE(info.in_flight_bytes(), 32768);
  EXPECT_LE(info.lag_messages(), 200 * kBatch);
  for (Listener* listener : listeners) {
    EXPECT_EQ(InfoOfSubscription(listener->ready().subscription_id()).counters().dropped_messages(), 0);
  }

  // It finds out itself what it missed.
  proxy.Stall(false);
  const Coverage coverage = CatchUp(stalled.get());
  EXPECT_GT(coverage.missed(), 0);
  EXPECT_EQ(coverage.heard() + coverage.missed(), published_);
}

TEST_F(SlowSubscriber, OneThatNeverReadsKeepsItsPlaceUnderDropOldest) {
  auto never = TestClient(&api_).Subscribe("DB");
  auto healthy = TestClient(&api_).Subscribe("DB");
  PublishPaced(100, {healthy.get()});
  EXPECT_EQ(InfoOf(&api_).subscriptions(), 2);
  const Coverage coverage = CatchUp(never.get());
  EXPECT_GT(coverage.missed(), 0);
  EXPECT_EQ(coverage.heard() + coverage.missed(), published_);
}

TEST_F(SlowSubscriber, SubscriptionsOfOneConnectionDoNotHoldEachOtherUp) {
  const TestClient client(&api_);
  auto never = client.Subscribe("DB");
  auto other_queue = client.Subscribe("FS");
  auto healthy = client.Subscribe("DB");
  PublishPaced(100, {healthy.get()});
  client.Publish("FS", "E", "text");
  EXPECT_EQ(other_queue->NextMessage().payload(), "text");
}

TEST_F(SlowSubscriber, WithPolicyDisconnectALossEndsTheStreamAndSaysWhy) {
  const TestClient client(&api_);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  auto slow = client.Subscribe(request);
  auto healthy = client.Subscribe("DB");
  PublishPaced(100, {healthy.get()});
  const grpc::Status status = slow->End();
  EXPECT_EQ(Summary(status), absl::StrCat("RESOURCE_EXHAUSTED SLOW_SUBSCRIBER queue=DB subscription=",
                                          slow->ready().subscription_id(), " retry=1s"));
  EXPECT_THAT(status.error_message(), testing::HasSubstr("too slow"));

  // What it read is where it can go on.
  *request.mutable_start() = slow->Resume();
  auto resumed = client.Subscribe(request);
  EXPECT_EQ(resumed->NextGap().reason(), v1::GAP_REASON_NOT_HELD);
  client.Publish("DB", "E", "last");
  EXPECT_EQ(resumed->PayloadsUpTo("last").back(), "last");
}

TEST_F(SlowSubscriber, WithPolicyDisconnectOneThatNeverReadsIsResetAfterTheStallLimit) {
  auto watch_context = NewContext();
  auto watch = api_.registry().Watch(watch_context.get(), v1::WatchRequest());
  v1::WatchResponse response;
  ASSERT_TRUE(watch->Read(&response));

  TcpProxy proxy(server_.port());
  Api stalled_api(proxy.address());
  const TestClient client(&stalled_api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  auto stalled = client.Subscribe(request);
  proxy.Stall(true);
  auto healthy = TestClient(&api_).Subscribe("DB");
  PublishPaced(100, {healthy.get()});

  std::string reason;
  while (reason.empty() && watch->Read(&response)) {
    for (const v1::Change& change : response.changes()) {
      if (change.kind() == v1::CHANGE_KIND_SUBSCRIPTION_ENDED) reason = change.reason();
    }
  }
  EXPECT_EQ(reason, "SLOW_SUBSCRIBER");
  EXPECT_EQ(InfoOf(&api_).subscriptions(), 1);
  EXPECT_TRUE(WaitUntil([&] { return server_.rpc().streams() == 2; }));  // the watch and the healthy one
  watch_context->TryCancel();
  watch->Finish();
}

TEST_F(SlowSubscriber, WithPolicyDropNewestTheFirstOnesArriveAndTheRestIsTold) {
  TcpProxy proxy(server_.port());
  Api stalled_api(proxy.address());
  const TestClient client(&stalled_api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.set_overflow(v1::OVERFLOW_DROP_NEWEST);
  request.set_overflow_messages(50);
  auto stalled = client.Subscribe(request);
  proxy.Stall(true);
  const TestClient publisher(&api_);
  request.set_session(publisher.session());
  auto healthy = publisher.Subscribe(request);
  // No more than waits at a time.
  for (int i = 0; i < 400; ++i) {
    const v1::PublishResponse published = publisher.Publish("DB", "E", std::string(kPayloadBytes, 'x'));
    ASSERT_EQ(healthy->NextMessage().sequence(), published.sequence());
    published_ = published.sequence();
  }
  proxy.Stall(false);
  Coverage coverage;
  while (coverage.next() <= published_) {
    const auto frame = stalled->NextFrame();
    ASSERT_TRUE(frame.has_value()) << Summary(stalled->End());
    if (frame->has_gap()) {
      EXPECT_EQ(frame->gap().reason(), v1::GAP_REASON_DROPPED_NEWEST);
    }
    coverage.Add(*frame);
  }
  EXPECT_GE(coverage.heard(), 50);
  EXPECT_GT(coverage.missed(), 0);
  EXPECT_EQ(coverage.heard() + coverage.missed(), published_);
}

TEST_F(SlowSubscriber, WithPolicyKeepLatestTheLatestOfEachKeyArrives) {
  TcpProxy proxy(server_.port());
  Api stalled_api(proxy.address());
  const TestClient client(&stalled_api);
  v1::SubscribeRequest request = client.SubscribeRequest("DB");
  request.set_overflow(v1::OVERFLOW_KEEP_LATEST);
  auto stalled = client.Subscribe(request);
  proxy.Stall(true);
  const TestClient publisher(&api_);
  for (int i = 0; i < 400; ++i) {
    v1::Message message = MakeMessage("DB", "E", std::string(kPayloadBytes, 'x'));
    message.set_key(i % 2 == 0 ? "even" : "odd");
    published_ = publisher.Publish(message).sequence();
  }
  proxy.Stall(false);
  Coverage coverage;
  v1::Message last;
  while (coverage.next() <= published_) {
    const auto frame = stalled->NextFrame();
    ASSERT_TRUE(frame.has_value()) << Summary(stalled->End());
    if (frame->has_gap()) {
      EXPECT_EQ(frame->gap().reason(), v1::GAP_REASON_SUPERSEDED);
    }
    coverage.Add(*frame);
  }
  EXPECT_GE(coverage.heard(), 2);
  EXPECT_GT(coverage.missed(), 0);
  EXPECT_EQ(coverage.heard() + coverage.missed(), published_);
}

TEST_F(SlowSubscriber, ABigMessageTravelsAlone) {
  auto listener = TestClient(&api_).Subscribe("DB");
  const TestClient publisher(&publishing_);
  const std::string big(500'000, 'b');
  for (const std::string& payload : {std::string("1"), big, std::string("2"), big, std::string("3")}) {
    publisher.Publish("DB", "E", payload);
  }
  for (const std::string& payload : {std::string("1"), big, std::string("2"), big, std::string("3")}) {
    EXPECT_EQ(listener->NextMessage().payload().size(), payload.size());
  }
}

}  // namespace
}  // namespace nmq::integration
