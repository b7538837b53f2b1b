// Members of a group die at random, and so does the server: every message is acknowledged once or is a dead letter.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

constexpr int kMembers = 5;
constexpr int kMessages = 10'000;
constexpr int kKills = 3;
constexpr char kConfig[] = R"(
    namespace { name: "default" queue { name: "JOBS" durability: DURABILITY_DURABLE } })";

// What the members know of each message, by its payload.
class Ledger {
 public:
  void Noted(const std::string& payload) {
    MutexLock lock(&mu_);
    ++done_[payload];
  }
  // The answer was lost: it may be noted or not.
  void Unknown(const std::string& payload) {
    MutexLock lock(&mu_);
    unknown_.insert(payload);
  }
  std::map<std::string, int> done() const {
    MutexLock lock(&mu_);
    return done_;
  }
  std::set<std::string> unknown() const {
    MutexLock lock(&mu_);
    return unknown_;
  }

 private:
  mutable Mutex mu_;
  std::map<std::string, int> done_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> unknown_ ABSL_GUARDED_BY(mu_);
};

v1::GroupOptions Workers() {
  v1::GroupOptions options;
  options.set_name("workers");
  options.mutable_ack_deadline()->set_seconds(1);
  options.set_credit_messages(50);
  return options;
}

// Works for a while, forgets some messages, gives some up, dies and comes again.
class Worker {
 public:
  Worker(std::string address, uint32_t seed, Ledger* ledger)
      : address_(std::move(address)), random_(seed), ledger_(ledger), thread_([this] { Run(); }) {}
  ~Worker() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run() {
    while (!stop_) {
      auto client = Client::Connect({.server = address_, .wait_for_server = absl::ZeroDuration()});
      if (!client.ok()) return;  // the server was killed
      std::atomic<int> left{std::uniform_int_distribution<int>(20, 400)(random_)};
      auto subscription =
          (*client)->Subscribe({.patterns = {{"JOBS", ""}}, .group = Workers()},
                               {.on_message = [&](const Message& message) { Work(client->get(), message, &left); }});
      if (!subscription.ok()) return;
      WaitUntil([&] { return left <= 0 || stop_ || (*subscription)->counts().reconnects > 0 || gone_; });
      if (gone_) return;
    }
  }

  void Work(Client* client, const Message& message, std::atomic<int>* left) {
    if (--*left < 0 || stop_) return;
    const int fate = std::uniform_int_distribution<int>(0, 99)(random_);
    if (fate < 5) return;  // forgotten: to be taken back
    const auto outcome = fate < 8    ? nmq::Terminate(message, "hopeless")
                         : fate < 12 ? nmq::RetryAfter(message, absl::ZeroDuration())
                                     : nmq::Done(message);
    const auto answer = client->Acknowledge("JOBS", "workers", {outcome});
    if (!answer.ok()) {
      ledger_->Unknown(message.payload());
      gone_ = true;
    } else if (outcome.done() && answer->noted == 1) {
      ledger_->Noted(message.payload());
    }
  }

  const std::string address_;
  std::mt19937 random_;
  Ledger* const ledger_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> gone_{false};
  std::thread thread_;
};

v1::GroupInfo GroupInfoOf(Api* api) {
  const auto response = api->Get(&v1::Registry::Stub::ListGroups, v1::ListGroupsRequest());
  return response.groups_size() == 1 ? response.groups(0) : v1::GroupInfo();
}

std::map<std::string, int> DeadLetters(const std::string& address, uint64_t count) {
  std::map<std::string, int> letters;
  std::atomic<uint64_t> seen{0};
  auto client = Client::Connect({.server = address});
  auto subscription = (*client)->Subscribe({.patterns = {{"JOBS.dead", ""}}, .start = StartEarliest()},
                                           {.on_message = [&](const Message& message) {
                                             ++letters[message.payload()];
                                             ++seen;
                                           }});
  EXPECT_TRUE(WaitUntil([&] { return seen >= count; }));
  subscription = absl::CancelledError();
  return letters;
}

TEST(GroupFault, EachMessageIsDoneOnceOrADeadLetterWhoeverDies) {
  const std::string directory = absl::StrCat(testing::TempDir(), "/group-data");
  std::filesystem::remove_all(directory);
  std::vector<std::string> flags = Nmqd::WithConfig(kConfig);
  flags.push_back(absl::StrCat("--data_dir=", directory));
  std::mt19937 random(1);
  Ledger ledger;
  for (int run = 0; run <= kKills; ++run) {
    Nmqd nmqd(flags);
    Api api(nmqd.address());
    const TestClient client(&api);
    std::vector<std::unique_ptr<Worker>> workers;
    for (int i = 0; i < kMembers; ++i) {
      workers.push_back(std::make_unique<Worker>(nmqd.address(), run * kMembers + i, &ledger));
    }
    if (run == 0) {
      ASSERT_TRUE(WaitUntil([&] { return GroupInfoOf(&api).members() == kMembers; }));
      auto publishing = Client::Connect({.server = nmqd.address()});
      auto publisher = (*publishing)->NewPublisher();
      for (int i = 0; i < kMessages; ++i) {
        ASSERT_TRUE(publisher->Add(MakeMessage("JOBS", "do", absl::StrCat(i))).ok());
      }
      ASSERT_TRUE(publisher->Flush().status.ok());
    }
    if (run < kKills) {
      const uint64_t part = GroupInfoOf(&api).floor_sequence() + std::uniform_int_distribution<int>(500, 1500)(random);
      ASSERT_TRUE(WaitUntil([&] { return GroupInfoOf(&api).floor_sequence() >= part; }));
      nmqd.process().Signal(SIGKILL);
      continue;
    }
    ASSERT_TRUE(WaitUntil([&] { return GroupInfoOf(&api).floor_sequence() == kMessages; }, absl::Minutes(2)))
        << GroupInfoOf(&api).ShortDebugString();
    workers.clear();
    v1::ListQueuesRequest request;
    request.set_queue("JOBS.dead");
    const auto queues = api.Get(&v1::Registry::Stub::ListQueues, request);
    ASSERT_EQ(queues.queues_size(), 1);
    const std::map<std::string, int> dead = DeadLetters(nmqd.address(), queues.queues(0).last_sequence());
    const std::map<std::string, int> done = ledger.done();
    const std::set<std::string> unknown = ledger.unknown();
    EXPECT_GT(dead.size(), 100u);
    EXPECT_GT(done.size(), static_cast<size_t>(kMessages) / 2);
    for (int i = 0; i < kMessages; ++i) {
      const std::string payload = absl::StrCat(i);
      const int times = done.contains(payload) ? done.at(payload) : 0;
      EXPECT_LE(times, 1) << payload << " was done twice";
      EXPECT_TRUE(times == 1 || dead.contains(payload) || unknown.contains(payload)) << payload << " was forgotten";
      EXPECT_FALSE(times == 1 && dead.contains(payload)) << payload << " was done, and is a dead letter";
    }
  }
}

}  // namespace
}  // namespace nmq::integration
