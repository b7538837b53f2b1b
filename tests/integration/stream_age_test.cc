// Streams that are old enough are asked to leave, and whoever comes again has missed nothing.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/grpc/server.h"
#include "tests/integration/fixture.h"
#include "tests/testing/simulated_clock.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;

// A minute by the server's clock, so that heartbeats, at 15 s, come in between; leases outlast the test.
constexpr char kConfig[] = "limits { stream_age { seconds: 60 } lease_default { seconds: 600 } }";
constexpr char kAged[] = "UNAVAILABLE STREAM_AGED";
constexpr absl::Duration kAge = absl::Minutes(1);
constexpr absl::Duration kGrace = absl::Seconds(5);

class StreamAge : public testing::Test {
 protected:
  // Time passes, and the server's only loop notices.
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    InfoOf(&api_);
  }
  // The next frame that is no heartbeat.
  static v1::SubscribeResponse Next(Listener* listener) {
    while (const auto frame = listener->NextFrame()) {
      if (!frame->has_heartbeat()) return *frame;
    }
    ADD_FAILURE() << "the stream is over";
    return v1::SubscribeResponse();
  }

  SimulatedClock clock_;
  TestServer server_{{.config = kConfig, .clock = &clock_, .lanes = 1}};
  Api api_{server_};
  TestClient client_{&api_};
};

TEST_F(StreamAge, IsReachedNoEarlierThanATenthBeforeItsTime) {
  auto listener = client_.Subscribe("DB");
  Pass(kAge * 0.9 - absl::Seconds(1));
  client_.Publish("DB", "E", "1");
  client_.Publish("DB", "E", "2");
  EXPECT_EQ(listener->NextMessage().payload(), "1");
  EXPECT_EQ(listener->NextMessage().payload(), "2");
}

TEST_F(StreamAge, AsksToLeaveThenEndsTheStreamWithAReason) {
  auto listener = client_.Subscribe("DB");
  Pass(kAge + absl::Seconds(1));
  const v1::SubscribeResponse frame = Next(listener.get());
  ASSERT_TRUE(frame.has_drain()) << frame.DebugString();
  EXPECT_EQ(frame.drain().deadline().seconds(), kGrace / absl::Seconds(1));
  EXPECT_GT(frame.drain().jitter().seconds() + frame.drain().jitter().nanos(), 0);
  // Until then it hears as before.
  client_.Publish("DB", "E", "1");
  EXPECT_EQ(listener->NextMessage().payload(), "1");
  Pass(kGrace + absl::Seconds(1));
  const grpc::Status status = listener->End();
  EXPECT_EQ(Summary(status), kAged);
  EXPECT_THAT(status.error_message(), HasSubstr("stream_age"));
  EXPECT_EQ(InfoOf(&api_).subscriptions(), 0);

  client_.Publish("DB", "E", "2");
  v1::SubscribeRequest request = client_.SubscribeRequest("DB");
  *request.mutable_start() = listener->Resume();
  auto next = client_.Subscribe(request);
  EXPECT_EQ(next->NextMessage().payload(), "2");
}

TEST_F(StreamAge, IsThatOfEachStreamAlone) {
  auto old = client_.Subscribe("DB");
  Pass(kAge * 0.8);
  auto young = client_.Subscribe("DB");
  Pass(kAge * 0.2 + absl::Seconds(1));
  EXPECT_TRUE(Next(old.get()).has_drain());
  Pass(kGrace + absl::Seconds(1));
  EXPECT_EQ(Summary(old->End()), kAged);
  client_.Publish("DB", "E", "1");
  EXPECT_EQ(young->NextMessage().payload(), "1");
}

TEST_F(StreamAge, EndsTheStreamOfWhoDoesNotReadToo) {
  TcpProxy proxy(server_.port());
  Api stalled(proxy.address());
  auto never_reads = TestClient(&stalled).Subscribe("DB");
  proxy.Stall(true);
  for (int i = 0; i < 100; ++i) client_.Publish("DB", "E", std::string(100'000, 'x'));
  EXPECT_TRUE(WaitUntil([&] {
    Pass(absl::Seconds(1));
    return server_.rpc().streams() == 0;
  }));
}

TEST_F(StreamAge, EndsAWatchWhichGoesOnFromItsRevision) {
  v1::WatchRequest request;
  auto context = NewContext();
  auto watch = api_.registry().Watch(context.get(), request);
  v1::WatchResponse response;
  ASSERT_TRUE(watch->Read(&response));
  uint64_t revision = response.revision();
  Pass(kAge + absl::Seconds(1));
  while (watch->Read(&response)) revision = response.revision();
  EXPECT_EQ(Summary(watch->Finish()), kAged);

  client_.Join({"A"});
  request.set_after_revision(revision);
  auto next_context = NewContext();
  auto next = api_.registry().Watch(next_context.get(), request);
  bool joined = false;
  while (!joined && next->Read(&response)) {
    for (const v1::Change& change : response.changes()) joined = joined || change.room() == "A";
  }
  EXPECT_TRUE(joined);
  next_context->TryCancel();
  next->Finish();
}

// What a subscription of the client library hears, in order.
class Heard {
 public:
  SubscriptionHandler Handler() {
    return {.on_message = [this](const Message& message) {
      MutexLock lock(&mu_);
      payloads_.push_back(message.payload());
    }};
  }
  std::vector<std::string> payloads() const {
    MutexLock lock(&mu_);
    return payloads_;
  }

 private:
  mutable Mutex mu_;
  std::vector<std::string> payloads_ ABSL_GUARDED_BY(mu_);
};

TEST_F(StreamAge, TheClientLibraryComesAgainAndHearsEverythingOnce) {
  constexpr uint64_t kStreams = 3;
  auto client = Client::Connect({.server = server_.address()});
  ASSERT_TRUE(client.ok()) << client.status();
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"DB", ""}}}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  std::atomic<bool> stop{false};
  std::vector<std::string> published;
  std::thread publisher([&] {
    Api api(server_);
    const TestClient other(&api);
    while (!stop) {
      published.push_back(absl::StrCat(published.size()));
      other.Publish("DB", "E", published.back());
    }
  });
  for (uint64_t i = 1; i <= kStreams; ++i) {
    Pass(kAge + absl::Seconds(1));
    EXPECT_TRUE(WaitUntil([&] { return (*subscription)->counts().reconnects >= i; }));
  }
  stop = true;
  publisher.join();
  EXPECT_TRUE(WaitUntil([&] { return heard.payloads().size() >= published.size(); }));
  EXPECT_EQ(heard.payloads(), published);
  EXPECT_EQ((*subscription)->counts().gaps, 0);
}

}  // namespace
}  // namespace nmq::integration
