#include "server/metrics/metrics.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "base/errors.h"
#include "base/mutex.h"
#include "base/version.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace nmq {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

Buckets CommitTimes() { return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}; }

Buckets TurnTimes() { return {0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1}; }

// Powers of 4 from 2^first to 2^last.
Buckets Sizes(int first, int last) {
  Buckets buckets;
  for (int power = first; power <= last; power += 2) buckets.push_back(static_cast<double>(uint64_t{1} << power));
  return buckets;
}

}  // namespace

struct Metrics::Families {
  struct Read {
    prometheus::Gauge* gauge;
    std::function<double()> read;
  };

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& refused;
  prometheus::Histogram& commit_messages;
  prometheus::Histogram& commit_bytes;
  prometheus::Histogram& synced_seconds;
  prometheus::Histogram& unsynced_seconds;
  prometheus::Histogram& turn_seconds;
  Mutex mu;  // a leaf: nothing is locked under it
  std::vector<Read> reads ABSL_GUARDED_BY(mu);

  static prometheus::Histogram& Histogram(prometheus::Registry& to, const std::string& name, const std::string& help,
                                          const Buckets& buckets, const prometheus::Labels& labels = {}) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(to).Add(labels, buckets);
  }

  Families()
      : refused(prometheus::BuildCounter()
                    .Name("nmq_refused_requests_total")
                    .Help("Requests, batches and subscriptions that were refused or ended because of a limit, or since "
                          "their caller may not have them.")
                    .Register(registry)),
        commit_messages(
            Histogram(registry, "nmq_commit_messages", "Messages in one write of the store.", Sizes(0, 14))),
        commit_bytes(
            Histogram(registry, "nmq_commit_bytes", "Bytes of messages in one write of the store.", Sizes(8, 26))),
        synced_seconds(Histogram(registry, "nmq_commit_seconds", "How long a write of the store took.", CommitTimes(),
                                 {{"synced", "true"}})),
        unsynced_seconds(Histogram(registry, "nmq_commit_seconds", "How long a write of the store took.", CommitTimes(),
                                   {{"synced", "false"}})),
        turn_seconds(
            Histogram(registry, "nmq_loop_turn_seconds", "How long a turn of an event loop took.", TurnTimes())) {
    const auto set = [this](const char* name, const char* help, const prometheus::Labels& labels, double value) {
      prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels).Set(value);
    };
    set("nmq_build_info", "1; the label is the server's version.", {{"version", kVersion}}, 1);
    set("nmq_start_time_seconds", "When the server started, in Unix time.", {},
        absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()));
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}

Metrics::~Metrics() = default;

void Metrics::CountRefusal(const absl::Status& status) {
  const bool limit = status.code() == absl::StatusCode::kResourceExhausted;
  if (!limit && !absl::IsUnauthenticated(status) && !absl::IsPermissionDenied(status)) return;
  families_->refused.Add({{"reason", ReasonOf(status)}, {"limit", MetadataOf(status, "limit")}}).Increment();
}

void Metrics::ObserveCommit(uint64_t messages, uint64_t bytes, absl::Duration time, bool synced) {
  families_->commit_messages.Observe(static_cast<double>(messages));
  families_->commit_bytes.Observe(static_cast<double>(bytes));
  (synced ? families_->synced_seconds : families_->unsynced_seconds).Observe(absl::ToDoubleSeconds(time));
}

void Metrics::ObserveTurn(absl::Duration time) { families_->turn_seconds.Observe(absl::ToDoubleSeconds(time)); }

void Metrics::AddGauge(const std::string& name, const std::string& help, std::function<double()> read) {
  prometheus::Gauge& gauge = prometheus::BuildGauge().Name(name).Help(help).Register(families_->registry).Add({});
  MutexLock lock(&families_->mu);
  families_->reads.push_back({&gauge, std::move(read)});
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  std::vector<Families::Read> reads;
  {
    MutexLock lock(&families_->mu);
    reads = families_->reads;
  }
  for (const Families::Read& one : reads) one.gauge->Set(one.read());
  std::vector<prometheus::MetricFamily> families = families_->registry.Collect();
  std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return families;
}

}  // namespace nmq
