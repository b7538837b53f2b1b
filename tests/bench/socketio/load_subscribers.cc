#include "tests/bench/socketio/load_subscribers.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "tests/bench/socketio/load_requests.h"

namespace nmq::bench {
namespace {

class LoadSubscribers final : public SubscriberSet {
 public:
  LoadSubscribers(std::shared_ptr<LoadProcess> load, const JsonObject& opened)
      : load_(std::move(load)),
        id_(NumberAt(opened, "id")),
        heartbeat_(absl::Milliseconds(NumberAt(opened, "pingInterval"))) {}

  ~LoadSubscribers() override { Stop(); }

  ReceiveTotals Totals() const override {
    absl::MutexLock lock(&mutex_);
    Refresh(absl::ZeroDuration());
    return totals_;
  }

  uint64_t Slowest() const override {
    absl::MutexLock lock(&mutex_);
    Refresh(absl::ZeroDuration());
    return slowest_;
  }

  absl::Status Health() const override {
    absl::MutexLock lock(&mutex_);
    Refresh(kStateAge);
    return health_;
  }

  absl::Duration heartbeat() const override { return heartbeat_; }

  void RecordLatency(int64_t from, int64_t to) override {
    JsonObject request = MakeRequest("recordLatency", id_);
    At(request, "from").set_number_value(static_cast<double>(from));
    At(request, "to").set_number_value(static_cast<double>(to));
    const absl::StatusOr<JsonObject> answer = load_->Call(std::move(request), kCallPatience);
    absl::MutexLock lock(&mutex_);
    health_.Update(answer.status());
  }

  Histogram Stop() override {
    absl::MutexLock lock(&mutex_);
    if (stopped_) return {};
    Refresh(absl::ZeroDuration());
    stopped_ = true;
    const absl::StatusOr<JsonObject> answer = load_->Call(MakeRequest("stop", id_), kCallPatience);
    health_.Update(answer.status());
    return answer.ok() ? HistogramAt(*answer, "latency") : Histogram();
  }

 private:
  // Asks for what is older than that.
  void Refresh(absl::Duration age) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (stopped_ || absl::Now() < asked_ + age) return;
    const absl::StatusOr<JsonObject> answer = load_->Call(MakeRequest("totals", id_), kCallPatience);
    asked_ = absl::Now();
    if (!answer.ok()) return health_.Update(answer.status());
    totals_.messages = CountAt(*answer, "messages");
    totals_.disorder = CountAt(*answer, "disorder");
    totals_.heartbeats = CountAt(*answer, "heartbeats");
    slowest_ = CountAt(*answer, "slowest");
    health_.Update(FailureOf(*answer));
  }

  const std::shared_ptr<LoadProcess> load_;
  const double id_;
  const absl::Duration heartbeat_;
  mutable absl::Mutex mutex_;
  mutable absl::Time asked_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  mutable ReceiveTotals totals_ ABSL_GUARDED_BY(mutex_);
  mutable uint64_t slowest_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable absl::Status health_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::Status AddInterests(const SubscriberSpec& spec, JsonObject* out) {
  if (!spec.interest) {
    At(*out, "interests").set_null_value(google::protobuf::NULL_VALUE);
    return absl::OkStatus();
  }
  google::protobuf::ListValue& interests = *At(*out, "interests").mutable_list_value();
  for (int i = 0; i < spec.subscribers; ++i) {
    const Interest interest = spec.interest(i);
    JsonObject& one = *interests.add_values()->mutable_struct_value();
    google::protobuf::ListValue& events = *At(one, "events").mutable_list_value();
    for (const std::string& event : interest.events) {
      if (absl::StrContains(event, "*")) {
        return absl::UnimplementedError(absl::StrCat("Socket.IO has no patterns: ", event));
      }
      events.add_values()->set_string_value(event);
    }
    google::protobuf::ListValue& rooms = *At(one, "rooms").mutable_list_value();
    for (const std::string& room : interest.rooms) rooms.add_values()->set_string_value(room);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeInLoad(std::shared_ptr<LoadProcess> load,
                                                               const SubscriberSpec& spec) {
  if (spec.subscribers < 1) return absl::InvalidArgumentError("no subscribers");
  const bool shared = !spec.interest && spec.subscribers > kMaxSubscriberSockets;
  const int sockets = shared ? std::clamp(spec.connections, 1, spec.subscribers) : spec.subscribers;
  JsonObject request = MakeRequest("subscribe", 0);
  JsonObject& out = *At(request, "spec").mutable_struct_value();
  At(out, "queue").set_string_value(spec.queue);
  At(out, "subscribers").set_number_value(spec.subscribers);
  At(out, "sockets").set_number_value(sockets);
  At(out, "everyLatency").set_bool_value(spec.every_latency);
  At(out, "stalled").set_bool_value(spec.stalled);
  if (absl::Status status = AddInterests(spec, &out); !status.ok()) return status;
  const absl::StatusOr<JsonObject> opened = load->Call(std::move(request), kOpenPatience);
  if (!opened.ok()) return opened.status();
  return std::make_unique<LoadSubscribers>(std::move(load), *opened);
}

}  // namespace nmq::bench
