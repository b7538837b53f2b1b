#include "tests/bench/nmq/library_subscribers.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/client.h"

namespace nmq::bench {
namespace {

using Counter = std::atomic<uint64_t>;

// Each has a thread.
constexpr int kSubscribersMax = 1000;
// Of how many messages one is looked into for its latency, where not every one is.
constexpr uint64_t kSampled = 64;

uint64_t Load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }
// For counters that one thread at a time writes.
void Add(Counter* counter, uint64_t more) { counter->store(Load(*counter) + more, std::memory_order_relaxed); }

// What all subscriptions share.
struct Shared {
  std::atomic<int64_t> record_from{INT64_MAX};
  std::atomic<int64_t> record_to{INT64_MAX};
  absl::Mutex mutex;
  absl::Status health ABSL_GUARDED_BY(mutex);
  bool ends_expected ABSL_GUARDED_BY(mutex) = false;

  void OnTrouble(const absl::Status& status) {
    absl::MutexLock lock(&mutex);
    if (!ends_expected && health.ok()) health = status.ok() ? absl::InternalError("a subscription ended") : status;
  }
};

// What one subscription has heard. Its callbacks come one at a time.
struct Listener {
  Shared* shared = nullptr;
  bool every_latency = false;
  bool whole = true;
  Histogram latency;
  uint64_t next_sequence = 0;
  alignas(64) Counter messages = 0;
  Counter missing = 0;
  Counter gaps = 0;
  Counter disorder = 0;

  void OnMessage(const nmq::Message& message) {
    const bool in_turn = whole ? message.sequence() == next_sequence : message.sequence() >= next_sequence;
    if (next_sequence != 0 && !in_turn) Add(&disorder, 1);
    next_sequence = message.sequence() + 1;
    Add(&messages, 1);
    if (every_latency || message.sequence() % kSampled == 0) Record(message.payload());
  }

  void OnGap(const nmq::Gap& gap) {
    Add(&gaps, 1);
    Add(&missing, gap.last() - gap.first() + 1);
    next_sequence = gap.last() + 1;
  }

  void Record(const std::string& payload) {
    const int64_t from = shared->record_from.load(std::memory_order_relaxed);
    int64_t timestamp;
    if (from == INT64_MAX || payload.size() < sizeof(timestamp)) return;
    std::memcpy(&timestamp, payload.data(), sizeof(timestamp));
    if (timestamp < from || timestamp >= shared->record_to.load(std::memory_order_relaxed)) return;
    latency.Add(Now() - timestamp);
  }
};

class LibrarySubscribers final : public SubscriberSet {
 public:
  ~LibrarySubscribers() override { End(); }

  absl::Status Start(const std::string& address, const SubscriberSpec& spec);

  ReceiveTotals Totals() const override {
    ReceiveTotals totals;
    for (const auto& listener : listeners_) {
      totals.messages += Load(listener->messages);
      totals.missing += Load(listener->missing);
      totals.gaps += Load(listener->gaps);
      totals.disorder += Load(listener->disorder);
    }
    return totals;
  }

  uint64_t Slowest() const override {
    uint64_t least = UINT64_MAX;
    for (const auto& listener : listeners_) {
      least = std::min(least, Load(listener->messages) + Load(listener->missing));
    }
    return least;
  }

  absl::Status Health() const override {
    absl::MutexLock lock(&shared_.mutex);
    return shared_.health;
  }

  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }

  void RecordLatency(int64_t from, int64_t to) override {
    shared_.record_to.store(to);
    shared_.record_from.store(from);
  }

  Histogram Stop() override {
    End();
    Histogram all;
    for (const auto& listener : listeners_) all.Merge(listener->latency);
    return all;
  }

 private:
  void End();

  mutable Shared shared_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<nmq::Client>> clients_;
  std::vector<std::unique_ptr<nmq::Subscription>> subscriptions_;
};

std::vector<nmq::EventPattern> PatternsOf(const std::string& queue, const Interest& interest) {
  if (interest.events.empty()) return {{queue, ""}};
  std::vector<nmq::EventPattern> patterns;
  for (const std::string& event : interest.events) patterns.push_back({queue, event});
  return patterns;
}

absl::Status LibrarySubscribers::Start(const std::string& address, const SubscriberSpec& spec) {
  if (spec.stalled) return absl::UnimplementedError("the library always reads");
  if (spec.subscribers > kSubscribersMax) {
    return absl::UnimplementedError("a thread for each subscription, and so many");
  }
  const int clients = std::clamp(spec.connections, 1, spec.subscribers);
  for (int i = 0; i < clients; ++i) {
    auto client = nmq::Client::Connect({.server = address});
    if (!client.ok()) return client.status();
    clients_.push_back(*std::move(client));
  }
  for (int i = 0; i < spec.subscribers; ++i) {
    listeners_.push_back(std::make_unique<Listener>());
    Listener* const listener = listeners_.back().get();
    listener->shared = &shared_;
    listener->every_latency = spec.every_latency;
    nmq::SubscriptionHandler handler;
    handler.on_message = [listener](const nmq::Message& message) { listener->OnMessage(message); };
    handler.on_gap = [listener](const nmq::Gap& gap) { listener->OnGap(gap); };
    handler.on_state = [listener](nmq::SubscriptionState state, const absl::Status& status) {
      if (state != nmq::SubscriptionState::kConnected) listener->shared->OnTrouble(status);
    };
    const Interest interest = spec.interest == nullptr ? Interest() : spec.interest(i);
    if (!interest.rooms.empty()) return absl::UnimplementedError("subscribers that share a client share its rooms");
    listener->whole = spec.interest == nullptr;
    auto subscription = clients_[i % clients]->Subscribe(
        {.patterns = PatternsOf(spec.queue, interest), .brief_callbacks = true}, std::move(handler));
    if (!subscription.ok()) return subscription.status();
    subscriptions_.push_back(*std::move(subscription));
  }
  return absl::OkStatus();
}

void LibrarySubscribers::End() {
  {
    absl::MutexLock lock(&shared_.mutex);
    shared_.ends_expected = true;
  }
  for (const auto& subscription : subscriptions_) subscription->Cancel();
  subscriptions_.clear();
  clients_.clear();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeWithLibrary(const std::string& address,
                                                                    const SubscriberSpec& spec) {
  auto set = std::make_unique<LibrarySubscribers>();
  if (const absl::Status status = set->Start(address, spec); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
