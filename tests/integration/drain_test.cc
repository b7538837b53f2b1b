// A server that stops asks its streams to leave one after the other, so that they do not come to the next one in one
// wave.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "server/grpc/server.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::integration {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::Each;
using testing::Le;

constexpr char kDraining[] = "UNAVAILABLE DRAINING retry=1s";
constexpr absl::Duration kGrace = absl::Seconds(20);
// Streams are asked by 200 a second.
constexpr absl::Duration kForEach = absl::Milliseconds(5);
constexpr absl::Duration kStep = absl::Milliseconds(20);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// A thousand subscriptions of ten clients to one queue.
class Thousand {
 public:
  Thousand(const std::string& address, const std::string& queue) {
    for (int i = 0; i < 10; ++i) {
      apis_.push_back(std::make_unique<Api>(address));
      const TestClient client(apis_.back().get());
      v1::SubscribeRequest request = client.SubscribeRequest(queue);
      request.mutable_start()->set_earliest(true);
      for (int j = 0; j < 100; ++j) listeners_.push_back(client.Subscribe(request));
    }
  }
  const std::vector<std::unique_ptr<Listener>>& listeners() const { return listeners_; }

 private:
  std::vector<std::unique_ptr<Api>> apis_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};

// A server whose time passes when the test says so. It stops in the background.
class Drain : public testing::Test {
 protected:
  ~Drain() override {
    if (stopping_.joinable()) Finish();
  }
  // Returns when the server's only loop knows that it stops. So many streams are there then.
  void Stop(size_t streams = 1) {
    auto context = NewContext();
    auto watch = health_->Watch(context.get(), HealthCheckRequest());
    HealthCheckResponse health;
    ASSERT_TRUE(watch->Read(&health));
    EXPECT_EQ(health.status(), HealthCheckResponse::SERVING);
    ExpectStreams(streams + 1);
    streams_ = streams + 1;
    stopping_ = std::thread([this] { server_.Stop(kGrace); });
    ASSERT_TRUE(watch->Read(&health));
    EXPECT_EQ(health.status(), HealthCheckResponse::NOT_SERVING);
    context->TryCancel();
    watch->Finish();
    ExpectStreams(streams);
  }
  // A call that was answered counts until gRPC has said that it is done.
  void ExpectStreams(size_t count) {
    EXPECT_TRUE(WaitUntil([&] { return server_.rpc().streams() == count; })) << server_.rpc().streams();
  }
  // The time in which those are asked that were there.
  absl::Duration spread() const { return streams_ * kForEach; }
  // Time passes, and the loop notices.
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    InfoOf(&api_);
  }
  void Finish() {
    clock_.Advance(2 * kGrace);
    stopping_.join();
  }

  SimulatedClock clock_;
  TestServer server_{
      {.config = "limits { lease_default { seconds: 600 } stream_age { seconds: 10 } }", .clock = &clock_, .lanes = 1}};
  Api api_{server_};
  TestClient client_{&api_};
  std::unique_ptr<Health::Stub> health_ = Health::NewStub(api_.channel());
  size_t streams_ = 0;  // when it was stopped
  std::thread stopping_;
};

TEST_F(Drain, AsksAThousandStreamsOneAfterTheOther) {
  const Thousand thousand(server_.address(), "DB");
  Stop(1000);
  for (absl::Duration passed; passed < spread() + kStep; passed += kStep) Pass(kStep);
  std::map<int64_t, int> asked;  // in each second
  for (const auto& listener : thousand.listeners()) {
    const v1::Drain drain = NextDrain(listener.get());
    const absl::Duration after = kGrace - FromProto(drain.deadline());
    EXPECT_GT(after, absl::ZeroDuration());
    // A turn of the loop may begin before time passes and end after.
    EXPECT_LE(after, spread() + 2 * kStep);
    EXPECT_EQ(FromProto(drain.jitter()), spread());
    ++asked[std::min<int64_t>(4, (after - kStep / 2) / absl::Seconds(1))];
  }
  // Of a thousand, a fifth in each second: eight standard deviations.
  for (int second = 0; second < 5; ++second) EXPECT_NEAR(asked[second], 200, 101) << second;
  ExpectStreams(1000);  // they all have time left
  Finish();
  for (const auto& listener : thousand.listeners()) EXPECT_EQ(Summary(listener->End()), kDraining);
}

TEST_F(Drain, AsksASingleStreamNearlyAtOnce) {
  auto listener = client_.Subscribe("DB");
  Stop();
  EXPECT_LE(spread(), absl::Milliseconds(10));
  Pass(spread());
  const v1::Drain drain = NextDrain(listener.get());
  EXPECT_EQ(FromProto(drain.deadline()), kGrace - spread());
  EXPECT_EQ(FromProto(drain.jitter()), spread());
}

TEST_F(Drain, RefusesWhatIsNewBeforeAnybodyIsAsked) {
  auto listener = client_.Subscribe("DB");
  Stop();
  HealthCheckResponse health;
  ASSERT_TRUE(health_->Check(NewContext().get(), HealthCheckRequest(), &health).ok());
  EXPECT_EQ(health.status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Summary(Listener(&api_, client_.SubscribeRequest("DB")).End()), kDraining);
  Pass(spread());
  // Time stood still until now.
  EXPECT_EQ(FromProto(NextDrain(listener.get()).deadline()), kGrace - spread());
}

TEST_F(Drain, AsksOnceThoughStreamsGrowOldMeanwhile) {
  auto listener = client_.Subscribe("DB");
  Pass(absl::Seconds(8));
  Stop();
  Pass(absl::Seconds(1));
  NextDrain(listener.get());
  for (int second = 0; second < 15; ++second) Pass(absl::Seconds(1));
  ExpectStreams(1);
  Finish();
  while (const auto frame = listener->NextFrame()) EXPECT_TRUE(frame->has_heartbeat()) << frame->ShortDebugString();
  EXPECT_EQ(Summary(listener->End()), kDraining);
}

TEST_F(Drain, EndsAWatchAtATimeOfItsOwn) {
  auto context = NewContext();
  auto watch = api_.registry().Watch(context.get(), v1::WatchRequest());
  v1::WatchResponse response;
  ASSERT_TRUE(watch->Read(&response));
  Stop();
  ExpectStreams(1);
  Pass(spread());
  while (watch->Read(&response)) {
  }
  EXPECT_EQ(Summary(watch->Finish()), kDraining);
}

// One who leaves when asked to, and goes on at the next server.
struct Mover {
  Listener* listener;
  std::vector<uint64_t> sequences = {};
  absl::Duration deadline = {};
  v1::StartPosition resume = {};

  void Take(const v1::SubscribeResponse& frame) {
    EXPECT_FALSE(frame.has_gap()) << frame.ShortDebugString();
    for (const v1::Message& message : frame.batch().messages()) sequences.push_back(message.sequence());
  }
  void HearUntilAsked() {
    while (const auto frame = listener->NextFrame()) {
      Take(*frame);
      if (!frame->has_drain()) continue;
      deadline = FromProto(frame->drain().deadline());
      resume = listener->Resume();
      listener->Cancel();
      return;
    }
    ADD_FAILURE() << "was not asked to leave";
  }
  void HearTheRest(const TestClient& client, uint64_t last) {
    v1::SubscribeRequest request = client.SubscribeRequest("ORDERS");
    *request.mutable_start() = resume;
    auto next = client.Subscribe(request);
    while (sequences.empty() || sequences.back() < last) {
      const auto frame = next->NextFrame();
      ASSERT_TRUE(frame.has_value());
      Take(*frame);
    }
  }
};

// Publishes until the server refuses because it drains; the last sequence that it acknowledged.
uint64_t PublishUntilRefused(Api* api) {
  v1::PublishRequest request;
  *request.mutable_message() = MakeMessage("ORDERS", "E", "text");
  v1::PublishResponse response;
  uint64_t last = 0;
  grpc::Status status;
  while ((status = api->Call(&v1::MessageQueue::Stub::Publish, request, &response)).ok()) last = response.sequence();
  EXPECT_EQ(Summary(status), kDraining);
  return last;
}

TEST(DrainOfNmqd, SpreadsAThousandStreamsWhichMissNothingOfADurableQueue) {
  const std::string volume = absl::StrCat(testing::TempDir(), "/volume-drain");
  std::filesystem::remove_all(volume);
  std::vector<std::string> flags = Nmqd::WithConfig(R"(
      namespace { name: "default" queue { name: "ORDERS" durability: DURABILITY_DURABLE } })");
  flags.push_back(absl::StrCat("--data_dir=", volume));
  flags.push_back("--drain_grace=8s");
  auto nmqd = std::make_unique<Nmqd>(flags);
  Api publishing(nmqd->address());
  const TestClient publisher(&publishing);
  publisher.Publish("ORDERS", "E", "first");
  const Thousand thousand(nmqd->address(), "ORDERS");
  nmqd->process().Signal(SIGTERM);
  const uint64_t last = PublishUntilRefused(&publishing);
  publisher.Disconnect();
  std::vector<Mover> movers;
  std::vector<absl::Duration> deadlines;
  for (const auto& listener : thousand.listeners()) {
    Mover& mover = movers.emplace_back(Mover{.listener = listener.get()});
    mover.HearUntilAsked();
    deadlines.push_back(mover.deadline);
  }
  EXPECT_EQ(nmqd->process().WaitForExit(kPatience), 0);
  EXPECT_THAT(deadlines, Each(Le(absl::Seconds(8))));
  // By the server's own clock: the last were asked long after the first, and had time left.
  const auto [least, most] = std::minmax_element(deadlines.begin(), deadlines.end());
  EXPECT_GT(*least, absl::Seconds(1));
  EXPECT_GT(*most - *least, absl::Seconds(1));

  nmqd = std::make_unique<Nmqd>(flags);
  std::unique_ptr<Api> api;
  std::unique_ptr<TestClient> client;
  std::vector<uint64_t> expected;
  for (uint64_t sequence = 1; sequence <= std::max<uint64_t>(1, last); ++sequence) expected.push_back(sequence);
  for (size_t i = 0; i < movers.size(); ++i) {
    if (i % 100 == 0) {
      client = nullptr;
      api = std::make_unique<Api>(nmqd->address());
      client = std::make_unique<TestClient>(api.get());
    }
    movers[i].HearTheRest(*client, expected.back());
    ASSERT_EQ(movers[i].sequences, expected) << i;
  }
}

}  // namespace
}  // namespace nmq::integration
