#include "tests/bench/nats/nats_subscribers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/nats/nats_connection.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/reception.h"

namespace nmq::bench {
namespace {

// Messages that wait in the library for their subscription, which is more than any throttle lets happen. Beyond that,
// the library drops and counts them.
constexpr int kPendingMessages = 1 << 20;

// Counts what must happen before memory may go. Thread-safe.
class Countdown {
 public:
  void Expect() {
    absl::MutexLock lock(&mutex_);
    ++left_;
  }

  void Happened() {
    absl::MutexLock lock(&mutex_);
    --left_;
  }

  void Await() {
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return left_ == 0; };
    absl::MutexLock lock(&mutex_, absl::Condition(&none));
  }

 private:
  absl::Mutex mutex_;
  int left_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One subscription of libnats.
class Subscription {
 public:
  Subscription(bool whole, bool every_latency, LatencyBoard* latencies) : ear_(whole, every_latency, latencies) {}
  ~Subscription() { natsSubscription_Destroy(subscription_); }

  // From its success on, `ended` expects the end of the subscription.
  absl::Status Start(natsConnection* connection, const std::string& subject, Countdown* ended) {
    natsStatus status = natsConnection_Subscribe(&subscription_, connection, subject.c_str(), &OnMessage, this);
    if (status != NATS_OK) return FromNats(status, absl::StrCat("subscribing to ", subject));
    ended->Expect();
    status = natsSubscription_SetOnCompleteCB(subscription_, &OnComplete, ended);
    if (status != NATS_OK) {
      ended->Happened();
      return FromNats(status, absl::StrCat("the subscription to ", subject));
    }
    return FromNats(natsSubscription_SetPendingLimits(subscription_, kPendingMessages, -1), "setting limits");
  }

  // What the library dropped; not known any more when the subscription has ended, unless KeepDropped() came before.
  uint64_t dropped() const {
    int64_t messages = dropped_;
    if (NatsHasDropped()) natsSubscription_GetDropped(subscription_, &messages);
    return static_cast<uint64_t>(messages);
  }

  void KeepDropped() { dropped_ = static_cast<int64_t>(dropped()); }

  const Ear& ear() const { return ear_; }

 private:
  static void OnMessage(natsConnection*, natsSubscription*, natsMsg* message, void* subscription) {
    static_cast<Subscription*>(subscription)
        ->ear_.Heard({natsMsg_GetData(message), static_cast<size_t>(natsMsg_GetDataLength(message))});
    natsMsg_Destroy(message);
  }

  static void OnComplete(void* ended) { static_cast<Countdown*>(ended)->Happened(); }

  Ear ear_;
  natsSubscription* subscription_ = nullptr;
  int64_t dropped_ = 0;
};

class NatsSubscribers final : public SubscriberSet {
 public:
  ~NatsSubscribers() override { End(); }

  absl::Status Start(const std::string& address, const SubscriberSpec& spec);

  ReceiveTotals Totals() const override {
    ReceiveTotals totals;
    for (const auto& subscriber : subscribers_) {
      for (const auto& subscription : subscriber) {
        totals.messages += subscription->ear().messages();
        totals.disorder += subscription->ear().disorder();
        const uint64_t dropped = subscription->dropped();
        totals.missing += dropped;
        if (dropped != 0) ++totals.gaps;
      }
    }
    return totals;
  }

  uint64_t Slowest() const override;
  absl::Status Health() const override;
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t from, int64_t to) override { latencies_.Record(from, to); }

  Histogram Stop() override {
    End();
    return latencies_.Merged();
  }

 private:
  // One for each of a subscriber's subjects.
  using Subscriber = std::vector<std::unique_ptr<Subscription>>;

  absl::Status Open(const std::string& address, const SubscriberSpec& spec);
  void End();

  LatencyBoard latencies_;
  Countdown ended_;
  std::vector<NatsConnection> connections_;
  std::vector<Subscriber> subscribers_;
};

absl::Status NatsSubscribers::Open(const std::string& address, const SubscriberSpec& spec) {
  const int connections = std::clamp(spec.connections, 1, std::max(1, spec.subscribers));
  nats_SetMessageDeliveryPoolSize(std::max(1, spec.threads));
  for (int i = 0; i < connections; ++i) {
    absl::StatusOr<NatsConnection> connection = OpenNatsConnection(address, {.pooled_delivery = true});
    if (!connection.ok()) return connection.status();
    connections_.push_back(*std::move(connection));
  }
  return absl::OkStatus();
}

absl::Status NatsSubscribers::Start(const std::string& address, const SubscriberSpec& spec) {
  if (const absl::Status status = Open(address, spec); !status.ok()) return status;
  const bool whole = spec.interest == nullptr;
  for (int i = 0; i < spec.subscribers; ++i) {
    Subscriber& subscriber = subscribers_.emplace_back();
    natsConnection* const connection = connections_[static_cast<size_t>(i) % connections_.size()].get();
    for (const std::string& subject : NamesOf(spec.queue, whole ? Interest() : spec.interest(i))) {
      subscriber.push_back(std::make_unique<Subscription>(whole, spec.every_latency, &latencies_));
      const absl::Status status = subscriber.back()->Start(connection, subject, &ended_);
      if (!status.ok()) return status;
    }
  }
  // The server answers in turn: what was subscribed to before is live.
  for (const NatsConnection& connection : connections_) {
    const natsStatus status = natsConnection_FlushTimeout(connection.get(), kNatsPatience);
    if (status != NATS_OK) return FromNats(status, "flushing subscriptions");
  }
  return absl::OkStatus();
}

uint64_t NatsSubscribers::Slowest() const {
  uint64_t least = UINT64_MAX;
  for (const Subscriber& subscriber : subscribers_) {
    uint64_t messages = 0;
    for (const auto& subscription : subscriber) messages += subscription->ear().messages() + subscription->dropped();
    least = std::min(least, messages);
  }
  return least;
}

absl::Status NatsSubscribers::Health() const {
  for (const NatsConnection& connection : connections_) {
    if (natsConnection_Status(connection.get()) == NATS_CONN_STATUS_CONNECTED) continue;
    const char* error = nullptr;
    const natsStatus status = natsConnection_GetLastError(connection.get(), &error);
    return absl::UnavailableError(absl::StrCat("a connection of subscribers was closed: ",
                                               error != nullptr ? error : natsStatus_GetText(status)));
  }
  return absl::OkStatus();
}

void NatsSubscribers::End() {
  for (const Subscriber& subscriber : subscribers_) {
    for (const auto& subscription : subscriber) subscription->KeepDropped();
  }
  for (const NatsConnection& connection : connections_) natsConnection_Close(connection.get());
  ended_.Await();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToNats(const std::string& address, const SubscriberSpec& spec) {
  auto set = std::make_unique<NatsSubscribers>();
  if (const absl::Status status = set->Start(address, spec); !status.ok()) return status;
  return set;
}

}  // namespace nmq::bench
