// Two servers behind one name, restarted in turn under load. A durable queue is where its volume is: it is lost and
// doubled nowhere. A live queue is its server's own: what went with the server is told as a gap.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/cpp/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

constexpr int kRestarts = 4;
// Messages that are taken and heard before the next restart.
constexpr size_t kBetweenRestarts = 200;

ClientOptions At(const std::string& server) {
  ClientOptions options;
  options.server = server;
  options.backoff.initial = absl::Milliseconds(10);
  options.backoff.max = absl::Milliseconds(200);
  options.wait_for_server = absl::Seconds(20);
  return options;
}

// Ends it, politely or not.
void End(std::unique_ptr<Nmqd> nmqd, int signal) {
  nmqd->process().Signal(signal);
  EXPECT_EQ(nmqd->process().WaitForExit(kPatience), signal == SIGTERM ? 0 : 128 + signal);
}

// A message that was acknowledged, or a place in a queue.
struct Place {
  std::string payload;
  uint64_t epoch = 0;
  uint64_t sequence = 0;
};

// What a subscription of the client library hears.
class Heard {
 public:
  SubscriptionHandler Handler() {
    return {.on_message =
                [this](const Message& message) {
                  MutexLock lock(&mu_);
                  messages_.push_back({message.payload(), message.epoch(), message.sequence()});
                },
            .on_gap =
                [this](const Gap& gap) {
                  MutexLock lock(&mu_);
                  gaps_.push_back(gap);
                }};
  }
  std::vector<Place> messages() const {
    MutexLock lock(&mu_);
    return messages_;
  }
  std::vector<Gap> gaps() const {
    MutexLock lock(&mu_);
    return gaps_;
  }
  size_t size() const {
    MutexLock lock(&mu_);
    return messages_.size();
  }
  bool Has(const std::string& payload) const {
    MutexLock lock(&mu_);
    return !messages_.empty() && messages_.back().payload == payload;
  }

 private:
  mutable Mutex mu_;
  std::vector<Place> messages_ ABSL_GUARDED_BY(mu_);
  std::vector<Gap> gaps_ ABSL_GUARDED_BY(mu_);
};

// With a request id, a message can be published again until it is acknowledged, and is taken once.
enum class RequestIds { kNo, kYes };

// Publishes numbers, one after the other.
class Load {
 public:
  // The client must outlive it.
  Load(Client* client, std::string queue, RequestIds ids)
      : client_(client), queue_(std::move(queue)), ids_(ids), thread_([this] { Run(); }) {}
  ~Load() { Stop(); }

  // Everything that was acknowledged, in order.
  std::vector<Place> Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return acknowledged_;
  }
  // After Stop: how often an answer did not come.
  int unanswered() const { return unanswered_; }

 private:
  void Run() {
    for (uint64_t number = 1; !stop_; ++number) {
      Message message = nmq::MakeMessage(queue_, "E", absl::StrCat(number));
      if (ids_ == RequestIds::kYes) message.set_request_id(message.payload());
      while (!Publish(message) && ids_ == RequestIds::kYes && !testing::Test::HasFailure()) {
      }
    }
  }
  // Whether it was acknowledged.
  bool Publish(const Message& message) {
    const absl::StatusOr<PublishResult> result = client_->Publish(message);
    if (result.ok()) {
      acknowledged_.push_back({message.payload(), result->epoch, result->sequence});
      return true;
    }
    // The answer was lost with the server, or the next one takes long to come.
    EXPECT_TRUE(absl::IsUnavailable(result.status()) || absl::IsDeadlineExceeded(result.status())) << result.status();
    ++unanswered_;
    return false;
  }

  Client* const client_;
  const std::string queue_;
  const RequestIds ids_;
  std::atomic<bool> stop_{false};
  // Of the thread, until it is through.
  std::vector<Place> acknowledged_;
  int unanswered_ = 0;
  std::thread thread_;
};

class ADurableQueue : public testing::TestWithParam<int> {
 protected:
  ADurableQueue() {
    const std::string volume = absl::StrCat(testing::TempDir(), "/volume-", GetParam());
    std::filesystem::remove_all(volume);
    flags_ = Nmqd::WithConfig(R"(
        namespace { name: "default" queue { name: "ORDERS" durability: DURABILITY_DURABLE } })");
    flags_.push_back(absl::StrCat("--data_dir=", volume));
    flags_.push_back("--drain_grace=1s");
  }

  std::vector<std::string> flags_;
};

TEST_P(ADurableQueue, ThatMovesWithItsVolumeLosesAndDoublesNothing) {
  auto nmqd = std::make_unique<Nmqd>(flags_);
  TcpProxy name(nmqd->port());
  auto client = Client::Connect(At(name.address()));
  ASSERT_TRUE(client.ok()) << client.status();
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"ORDERS", ""}}, .start = StartEarliest()}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  Load load(client->get(), "ORDERS", RequestIds::kYes);
  for (int i = 0; i < kRestarts; ++i) {
    const size_t enough = heard.size() + kBetweenRestarts;
    ASSERT_TRUE(WaitUntil([&] { return heard.size() >= enough; }));
    End(std::move(nmqd), GetParam());
    nmqd = std::make_unique<Nmqd>(flags_);
    name.SetServerPort(nmqd->port());
  }
  const size_t enough = heard.size() + kBetweenRestarts;
  ASSERT_TRUE(WaitUntil([&] { return heard.size() >= enough; }));
  const std::vector<Place> acknowledged = load.Stop();
  EXPECT_TRUE(WaitUntil([&] { return heard.Has(acknowledged.back().payload); }));
  const std::vector<Place> messages = heard.messages();
  ASSERT_EQ(messages.size(), acknowledged.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    ASSERT_EQ(messages[i].payload, acknowledged[i].payload);
    ASSERT_EQ(messages[i].sequence, acknowledged[i].sequence);
    ASSERT_EQ(messages[i].sequence, i + 1);
  }
  // Who is asked to leave leaves with every answer.
  if (GetParam() == SIGTERM) {
    EXPECT_EQ(load.unanswered(), 0);
  }
  EXPECT_THAT(heard.gaps(), testing::IsEmpty());
  EXPECT_GE((*subscription)->counts().reconnects, kRestarts);
}

INSTANTIATE_TEST_SUITE_P(Ended, ADurableQueue, testing::Values(SIGTERM, SIGKILL),
                         [](const auto& how) { return how.param == SIGTERM ? "Politely" : "Killed"; });

// A server that has an address of its own, also over restarts.
class Site {
 public:
  Site() : nmqd_(std::make_unique<Nmqd>(Flags())), proxy_(nmqd_->port()) {}

  const std::string& address() const { return proxy_.address(); }
  const std::string& server_address() const { return nmqd_->address(); }
  TcpProxy& proxy() { return proxy_; }
  void Stop(int signal) { End(std::move(nmqd_), signal); }
  void Start() {
    nmqd_ = std::make_unique<Nmqd>(Flags());
    proxy_.SetServerPort(nmqd_->port());
  }
  bool HasSubscription() {
    Api api(nmqd_->address());
    return InfoOf(&api).subscriptions() == 1;
  }

 private:
  static std::vector<std::string> Flags() { return {"--drain_grace=1s"}; }

  std::unique_ptr<Nmqd> nmqd_;
  TcpProxy proxy_;
};

// One name that stands for both.
std::string NameOf(const Site& one, const Site& other) {
  return absl::StrCat("ipv4:", one.address(), ",", other.address());
}

// That each message was heard once or is in a gap, and that none is both. Returns how many are in gaps.
size_t CheckHeardOrTold(const std::vector<Place>& acknowledged, const Heard& heard) {
  const std::vector<Place> messages = heard.messages();
  const std::vector<Gap> gaps = heard.gaps();
  std::set<std::string> payloads;
  for (const Place& message : messages) EXPECT_TRUE(payloads.insert(message.payload).second) << message.payload;
  size_t told = 0;
  for (const Place& place : acknowledged) {
    bool in_gap = false;
    for (const Gap& gap : gaps) {
      in_gap = in_gap || (gap.epoch() == place.epoch && place.sequence >= gap.first() &&
                          (gap.last() == 0 || place.sequence <= gap.last()));
    }
    EXPECT_NE(payloads.count(place.payload) == 1, in_gap) << place.payload;
    if (in_gap) ++told;
  }
  return told;
}

TEST(ALiveQueue, OfTwoServersRestartedInTurnIsHeardOrToldAsAGap) {
  Site one;
  Site other;
  const std::string name = NameOf(one, other);
  auto client = Client::Connect(At(name));
  ASSERT_TRUE(client.ok()) << client.status();
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"DB", ""}}}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  // By the same client: two that are at different servers do not hear each other.
  Load load(client->get(), "DB", RequestIds::kNo);
  Site* serving = one.HasSubscription() ? &one : &other;
  for (int i = 0; i < kRestarts; ++i) {
    const size_t enough = heard.size() + kBetweenRestarts;
    ASSERT_TRUE(WaitUntil([&] { return heard.size() >= enough; }));
    Site* const next = serving == &one ? &other : &one;
    serving->Stop(i % 2 == 0 ? SIGTERM : SIGKILL);
    ASSERT_TRUE(WaitUntil([&] { return next->HasSubscription(); }));
    serving->Start();
    serving = next;
  }
  const size_t enough = heard.size() + kBetweenRestarts;
  ASSERT_TRUE(WaitUntil([&] { return heard.size() >= enough; }));
  const std::vector<Place> acknowledged = load.Stop();
  EXPECT_TRUE(WaitUntil([&] { return heard.Has(acknowledged.back().payload); }));
  CheckHeardOrTold(acknowledged, heard);
  // Each server has an epoch of its own: every move is told.
  EXPECT_EQ(heard.gaps().size(), kRestarts);
}

TEST(ALiveQueue, TellsWhatItsServerHadNotYetDelivered) {
  constexpr size_t kMessages = 200;
  Site one;
  Site other;
  auto client = Client::Connect(At(NameOf(one, other)));
  ASSERT_TRUE(client.ok()) << client.status();
  Heard heard;
  auto subscription = (*client)->Subscribe({.patterns = {{"DB", ""}}}, heard.Handler());
  ASSERT_TRUE(subscription.ok()) << subscription.status();
  Site* const serving = one.HasSubscription() ? &one : &other;
  Site* const next = serving == &one ? &other : &one;
  Api api(serving->server_address());
  const TestClient publisher(&api);
  std::vector<Place> acknowledged;
  auto publish = [&](const std::string& payload) {
    const v1::PublishResponse response = publisher.Publish("DB", "E", payload);
    acknowledged.push_back({payload, response.epoch(), response.sequence()});
  };
  publish("heard");
  ASSERT_TRUE(WaitUntil([&] { return heard.Has("heard"); }));
  serving->proxy().Stall(true);
  for (size_t i = 0; i < kMessages; ++i) publish(absl::StrCat(i, std::string(100'000, 'x')));
  serving->Stop(SIGKILL);
  serving->proxy().Cut();
  ASSERT_TRUE(WaitUntil([&] { return next->HasSubscription(); }));
  Api next_api(next->server_address());
  TestClient(&next_api).Publish("DB", "E", "next");
  ASSERT_TRUE(WaitUntil([&] { return heard.Has("next"); }));
  EXPECT_GT(CheckHeardOrTold(acknowledged, heard), kMessages / 2);
  EXPECT_EQ(heard.gaps().size(), 1);
}

}  // namespace
}  // namespace nmq::integration
