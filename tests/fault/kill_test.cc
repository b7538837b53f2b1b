// kill -9 under load, again and again: what was acknowledged is there, in order, and what comes again after it is there
// once.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/guarantees.h"
#include "tests/testing/history.h"

ABSL_FLAG(int, kills, 20, "how often the server is killed, at the least");
ABSL_FLAG(uint64_t, acknowledged_min, 500, "it is killed until so many publishes have been acknowledged");
ABSL_FLAG(uint32_t, seed, 1, "of the times at which the server is killed");

namespace nmq::integration {
namespace {

constexpr int kPublishers = 8;
constexpr char kConfig[] = R"(
    namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })";

int64_t NowUs() { return absl::ToUnixMicros(absl::Now()); }

Event MakeEvent(EventKind kind) {
  Event event;
  event.kind = kind;
  event.time_us = NowUs();
  event.queue = "D";
  return event;
}

// Publishes, one message after another, until the server is gone. When it is there again, the last message comes again:
// whether or not it was answered.
class Publisher {
 public:
  Publisher(std::string name, History* history) : name_(std::move(name)), history_(history) {}

  void Start(const std::string& address) {
    thread_ = std::thread([this, address] { Run(address); });
  }
  void Join() { thread_.join(); }
  // Only while it is not running.
  uint64_t acknowledged() const { return acknowledged_; }

 private:
  void Run(const std::string& address) {
    Api api(address);
    for (bool again = count_ > 0; Publish(&api, again); again = false) continue;
  }

  bool Publish(Api* api, bool again) {
    if (!again) ++count_;
    Event event = MakeEvent(EventKind::kPublishInvoked);
    event.name = name_;
    event.token = absl::StrCat(name_, "-", count_);
    event.request_id = event.token;
    history_->Record(event);
    v1::PublishRequest request;
    *request.mutable_message() = MakeMessage("D", "E", event.token);
    request.mutable_message()->set_request_id(event.request_id);
    v1::PublishResponse response;
    const grpc::Status status = api->Call(&v1::MessageQueue::Stub::Publish, request, &response);
    event.time_us = NowUs();
    event.kind = status.ok() ? EventKind::kPublishAcknowledged : EventKind::kPublishUnknown;
    event.epoch = response.epoch();
    event.sequence = response.sequence();
    event.id = response.id();
    history_->Record(event);
    if (status.ok()) ++acknowledged_;
    return status.ok();
  }

  const std::string name_;
  History* const history_;
  int count_ = 0;  // messages
  uint64_t acknowledged_ = 0;
  std::thread thread_;
};

// Whether there are to be more than so many kills and acknowledged publishes.
bool GoOn(int kills, uint64_t acknowledged) {
  return kills < absl::GetFlag(FLAGS_kills) || acknowledged < absl::GetFlag(FLAGS_acknowledged_min);
}

// Reads the whole queue into the history.
void Replay(const std::string& address, History* history) {
  Api api(address);
  const TestClient client(&api);
  const uint64_t last = client.Publish("D", "E", "the end").sequence();
  v1::SubscribeRequest request = client.SubscribeRequest("D");
  request.mutable_start()->set_earliest(true);
  Event event = MakeEvent(EventKind::kSubscribing);
  event.name = "replay";
  event.client = client.id();
  event.replay = true;
  history->Record(event);
  auto listener = client.Subscribe(request);
  event.kind = EventKind::kSubscribed;
  history->Record(event);
  event.kind = EventKind::kDelivered;
  for (uint64_t sequence = 1; sequence < last; ++sequence) {
    const v1::Message message = listener->NextMessage();
    event.epoch = message.epoch();
    event.sequence = message.sequence();
    event.id = message.id();
    event.token = message.payload();
    history->Record(event);
  }
  EXPECT_EQ(listener->NextMessage().payload(), "the end");
  event.kind = EventKind::kCaughtUp;
  history->Record(event);
}

// Publishes messages that are to come in a moment, one after another, until the server is gone. Says which of them were
// acknowledged.
std::vector<std::string> PublishLater(const std::string& name, const std::string& address) {
  Api api(address);
  std::vector<std::string> acknowledged;
  for (int i = 0;; ++i) {
    v1::PublishRequest request;
    *request.mutable_message() = MakeMessage("D", "E", absl::StrCat(name, "-", i));
    const int64_t due_us = NowUs() + 1000 * (i % 300);
    request.mutable_message()->mutable_deliver_at()->set_seconds(due_us / 1'000'000);
    request.mutable_message()->mutable_deliver_at()->set_nanos(static_cast<int32_t>(due_us % 1'000'000) * 1000);
    if (!api.Try(&v1::MessageQueue::Stub::Publish, request).ok()) return acknowledged;
    acknowledged.push_back(request.message().payload());
  }
}

TEST(Kill, WhatWaitsForItsTimeIsNeitherLostNorDoubled) {
  const std::string directory = absl::StrCat(testing::TempDir(), "/kill-later-data");
  std::filesystem::remove_all(directory);
  std::vector<std::string> flags = Nmqd::WithConfig(kConfig);
  flags.push_back(absl::StrCat("--data_dir=", directory));
  std::mt19937 random(absl::GetFlag(FLAGS_seed));
  std::uniform_int_distribution<int> wait_ms(100, 700);
  std::vector<std::string> acknowledged;
  for (int kill = 0; GoOn(kill, acknowledged.size()); ++kill) {
    Nmqd nmqd(flags);
    std::vector<std::vector<std::string>> of_each(kPublishers);
    std::vector<std::thread> publishers;
    for (int i = 0; i < kPublishers; ++i) {
      publishers.emplace_back([&, i] { of_each[i] = PublishLater(absl::StrCat("p", kill, "-", i), nmqd.address()); });
    }
    // Not to wait for something: the moment is to be any.
    absl::SleepFor(absl::Milliseconds(wait_ms(random)));
    nmqd.process().Signal(SIGKILL);
    for (std::thread& publisher : publishers) publisher.join();
    for (const auto& one : of_each) acknowledged.insert(acknowledged.end(), one.begin(), one.end());
    if (HasFailure()) return;
  }
  Nmqd nmqd(flags);
  Api api(nmqd.address());
  const TestClient client(&api);
  EXPECT_TRUE(WaitUntil(
      [&] { return api.Get(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest()).queues(0).scheduled() == 0; }));
  client.Publish("D", "E", "the end");
  v1::SubscribeRequest request = client.SubscribeRequest("D");
  request.mutable_start()->set_earliest(true);
  const std::vector<std::string> heard = client.Subscribe(request)->PayloadsUpTo("the end");
  std::map<std::string, int> times;
  for (const std::string& payload : heard) ++times[payload];
  for (const auto& [payload, count] : times) EXPECT_EQ(count, 1) << payload;
  for (const std::string& payload : acknowledged) EXPECT_EQ(times.count(payload), 1) << payload << " is lost";
  RecordProperty("acknowledged", absl::StrCat(acknowledged.size()));
}

TEST(Kill, LosesNothingThatWasAcknowledged) {
  const std::string directory = absl::StrCat(testing::TempDir(), "/kill-data");
  std::filesystem::remove_all(directory);
  std::vector<std::string> flags = Nmqd::WithConfig(kConfig);
  flags.push_back(absl::StrCat("--data_dir=", directory));
  std::mt19937 random(absl::GetFlag(FLAGS_seed));
  std::uniform_int_distribution<int> wait_ms(50, 500);
  History history;
  std::vector<std::unique_ptr<Publisher>> publishers;
  for (int i = 0; i < kPublishers; ++i) {
    publishers.push_back(std::make_unique<Publisher>(absl::StrCat("p", i), &history));
  }
  uint64_t acknowledged = 0;
  for (int kill = 0; GoOn(kill, acknowledged); ++kill) {
    Nmqd nmqd(flags);
    history.Record(MakeEvent(EventKind::kRestarted));
    for (const auto& publisher : publishers) publisher->Start(nmqd.address());
    // Not to wait for something: the moment is to be any.
    absl::SleepFor(absl::Milliseconds(wait_ms(random)));
    history.Record(MakeEvent(EventKind::kKilling));
    nmqd.process().Signal(SIGKILL);
    acknowledged = 0;
    for (const auto& publisher : publishers) {
      publisher->Join();
      acknowledged += publisher->acknowledged();
    }
    if (HasFailure()) return;
  }
  {
    Nmqd nmqd(flags);
    history.Record(MakeEvent(EventKind::kRestarted));
    Replay(nmqd.address(), &history);
  }
  const std::vector<Event> events = history.events();
  RecordProperty("acknowledged", absl::StrCat(acknowledged));
  EXPECT_THAT(Durable(events), testing::IsEmpty());
  EXPECT_THAT(Ordered(events), testing::IsEmpty());
  EXPECT_THAT(Unique(events), testing::IsEmpty());
  EXPECT_THAT(Honest(events), testing::IsEmpty());
  EXPECT_THAT(Idempotent(events), testing::IsEmpty());
}

}  // namespace
}  // namespace nmq::integration

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  absl::ParseCommandLine(argc, argv);
  return RUN_ALL_TESTS();
}
