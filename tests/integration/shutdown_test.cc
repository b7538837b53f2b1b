// How nmqd stops: nothing accepted is lost, nobody is left without a reason, and nobody can hold it up.
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/deadline.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

constexpr char kDraining[] = "UNAVAILABLE DRAINING retry=1s";
// The longest; what ends before did not wait for it.
constexpr char kLongGrace[] = "--drain_grace=8s";
constexpr absl::Duration kLong = absl::Seconds(8);

TEST(ShutDown, TellsSubscribersThenEndsTheirStreamsWithAReason) {
  Nmqd nmqd({"--drain_grace=3s"});
  Api api(nmqd.address());
  auto listener = TestClient(&api).Subscribe("DB");
  nmqd.process().Signal(SIGTERM);
  const v1::Drain drain = NextDrain(listener.get());
  EXPECT_GT(drain.deadline().seconds() + drain.deadline().nanos(), 0);
  EXPECT_LE(drain.deadline().seconds() + drain.deadline().nanos() / 1e9, 3);
  EXPECT_GT(drain.jitter().seconds() + drain.jitter().nanos(), 0);
  const grpc::Status status = listener->End();
  EXPECT_EQ(Summary(status), kDraining);
  EXPECT_THAT(status.error_message(), HasSubstr("shutting down"));
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
  EXPECT_THAT(nmqd.process().errors(), HasSubstr("stopped"));
}

TEST(ShutDown, LetsNobodyNewInWhileItDrains) {
  Nmqd nmqd({kLongGrace});
  Api api(nmqd.address());
  const TestClient client(&api);
  auto listener = client.Subscribe("DB");
  nmqd.process().Signal(SIGTERM);
  NextDrain(listener.get());

  EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Connect, v1::ConnectRequest())), kDraining);
  v1::PublishRequest publish;
  *publish.mutable_message() = MakeMessage("DB", "E", "");
  EXPECT_EQ(Summary(api.Try(&v1::MessageQueue::Stub::Publish, publish)), kDraining);
  EXPECT_EQ(Summary(Listener(&api, client.SubscribeRequest("DB")).End()), kDraining);
  auto context = NewContext();
  EXPECT_EQ(Summary(api.registry().Watch(context.get(), v1::WatchRequest())->Finish()), kDraining);
  auto stream_context = NewContext();
  auto stream = api.queue().PublishStream(stream_context.get());
  v1::PublishStreamRequest batch;
  *batch.add_messages() = MakeMessage("DB", "E", "");
  stream->Write(batch);
  EXPECT_EQ(Summary(stream->Finish()), kDraining);
  // Who is leaving may.
  client.Leave({"A"});
  client.Disconnect();
  EXPECT_EQ(Summary(listener->End()), "OK");
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
}

TEST(ShutDown, EndsAtOnceWhenNobodyIsThere) {
  Nmqd nmqd({kLongGrace});
  {
    Api api(nmqd.address());
    TestClient(&api).Publish("DB", "E", "");
  }
  const Deadline grace = Deadline::In(kLong);
  nmqd.process().Signal(SIGTERM);
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
  EXPECT_FALSE(grace.IsOver());
}

TEST(ShutDown, EndsAsSoonAsTheLastStreamHasLeft) {
  Nmqd nmqd({kLongGrace});
  Api api(nmqd.address());
  auto listener = TestClient(&api).Subscribe("DB");
  const Deadline grace = Deadline::In(kLong);
  nmqd.process().Signal(SIGINT);
  NextDrain(listener.get());
  listener.reset();
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
  EXPECT_FALSE(grace.IsOver());
}

TEST(ShutDown, DeliversWhatItHadAccepted) {
  Nmqd nmqd({kLongGrace});
  Api api(nmqd.address());
  Api publishing(nmqd.address());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 3; ++i) listeners.push_back(TestClient(&api).Subscribe("DB"));
  const TestClient publisher(&publishing);
  constexpr int kMessages = 500;
  for (int i = 1; i <= kMessages; ++i) publisher.Publish("DB", "E", std::string(2000, 'x'));
  nmqd.process().Signal(SIGTERM);
  // Only now they read: a megabyte each, of which most is still with the server.
  for (const auto& listener : listeners) {
    uint64_t last = 0;
    while (const auto frame = listener->NextFrame()) {
      for (const v1::Message& message : frame->batch().messages()) {
        EXPECT_EQ(message.sequence(), last + 1);
        last = message.sequence();
      }
      if (last == kMessages) break;
    }
    EXPECT_EQ(last, kMessages);
  }
  listeners.clear();
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
}

TEST(ShutDown, IsNotHeldUpByThoseWhoDoNotListen) {
  Nmqd nmqd({"--drain_grace=1s"});
  Api api(nmqd.address());
  const TestClient client(&api);
  auto never_reads = client.Subscribe("DB");
  TcpProxy proxy(nmqd.port());
  Api stalled_api(proxy.address());
  const TestClient stalled_client(&stalled_api);
  auto stalled = stalled_client.Subscribe("DB");
  proxy.Stall(true);
  auto publish_context = NewContext();
  auto publish_stream = api.queue().PublishStream(publish_context.get());
  v1::PublishStreamRequest batch;
  for (int i = 0; i < 20; ++i) *batch.add_messages() = MakeMessage("DB", "E", std::string(10'000, 'x'));
  for (int i = 0; i < 20; ++i) {
    v1::PublishStreamResponse response;
    ASSERT_TRUE(publish_stream->Write(batch) && publish_stream->Read(&response));
  }
  auto watch_context = NewContext();
  auto watch = api.registry().Watch(watch_context.get(), v1::WatchRequest());
  v1::WatchResponse watched;
  ASSERT_TRUE(watch->Read(&watched));

  nmqd.process().Signal(SIGTERM);
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
  EXPECT_EQ(Summary(publish_stream->Finish()), kDraining);
  while (watch->Read(&watched)) {
  }
  EXPECT_EQ(Summary(watch->Finish()), kDraining);
}

TEST(ShutDown, ASecondSignalEndsTheWaiting) {
  Nmqd nmqd({kLongGrace});
  Api api(nmqd.address());
  auto listener = TestClient(&api).Subscribe("DB");
  const Deadline grace = Deadline::In(kLong);
  nmqd.process().Signal(SIGTERM);
  NextDrain(listener.get());
  nmqd.process().Signal(SIGTERM);
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
  EXPECT_FALSE(grace.IsOver());
  EXPECT_EQ(Summary(listener->End()), kDraining);
}

TEST(ShutDown, ThousandStreamsWithTrafficEndInTime) {
  Nmqd nmqd({"--drain_grace=3s"});
  std::vector<std::unique_ptr<Api>> apis;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 10; ++i) {
    apis.push_back(std::make_unique<Api>(nmqd.address()));
    const TestClient client(apis.back().get());
    for (int j = 0; j < 100; ++j) listeners.push_back(client.Subscribe("DB"));
  }
  TestClient(apis[0].get()).Publish("DB", "E", "text");
  nmqd.process().Signal(SIGTERM);
  for (const auto& listener : listeners) {
    int messages = 0;
    int drains = 0;
    while (const auto frame = listener->NextFrame()) {
      messages += frame->batch().messages_size();
      drains += frame->has_drain() ? 1 : 0;
    }
    EXPECT_EQ(messages, 1);
    EXPECT_EQ(drains, 1);
    EXPECT_EQ(Summary(listener->End()), kDraining);
  }
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience), 0);
}

}  // namespace
}  // namespace nmq::integration
