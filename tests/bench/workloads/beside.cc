#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kSubscribers = 10;
constexpr uint64_t kLag = 20000;
constexpr char kLiveQueue[] = "bench";
constexpr absl::Duration kCountPatience = absl::Minutes(2);

// What happens at the same time.
struct Mixture {
  bool live = false;
  bool stored = false;
};

// While it was measured.
struct Phase {
  double seconds = 0;
  double deliveries = 0;
  double stored = 0;
  Usage usage;

  double server_cpu() const { return absl::ToDoubleSeconds(usage.server_cpu); }
};

// Ends a publisher that may be null.
absl::Status Finish(const std::unique_ptr<Publisher>& publisher) {
  return publisher == nullptr ? absl::OkStatus() : publisher->Finish();
}

uint64_t AcceptedBy(const std::unique_ptr<Publisher>& publisher) {
  return publisher == nullptr ? 0 : publisher->accepted();
}

absl::Status CheckHeard(const Extent& extent, uint64_t published, const SubscriberSet& set) {
  AwaitFor(extent.patience, [&] { return set.Slowest() >= published || !set.Health().ok(); });
  if (!set.Health().ok()) return set.Health();
  const ReceiveTotals totals = set.Totals();
  if (totals.messages + totals.missing == published * kSubscribers && totals.disorder == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(published * kSubscribers, " deliveries were due, ", totals.messages,
                                          " came, ", totals.missing, " were said to be lost, ", totals.disorder,
                                          " came out of turn"));
}

absl::StatusOr<Phase> MeasurePhase(const Mixture& mixture, const Extent& extent, const Subject& subject) {
  const int listeners = mixture.live ? kSubscribers : 1;
  absl::StatusOr<std::unique_ptr<SubscriberSet>> set = subject.client->Subscribe(
      {.queue = kLiveQueue, .subscribers = listeners, .connections = listeners, .clients = listeners});
  if (!set.ok()) return set.status();
  Throttle throttle(kLag, [&set] { return (*set)->Slowest(); });
  absl::StatusOr<std::unique_ptr<Publisher>> live = nullptr;
  absl::StatusOr<std::unique_ptr<Publisher>> stored = nullptr;
  if (mixture.stored) {
    stored = subject.client->Publish({.queue = kStoredQueue, .max_messages = extent.messages});
    if (!stored.ok()) return stored.status();
  }
  if (mixture.live) {
    live = subject.client->Publish({.queue = kLiveQueue, .max_messages = extent.messages, .throttle = &throttle});
    if (!live.ok()) return live.status();
  }
  const bool by_count = extent.messages != 0;
  const auto failed = [&] {
    const bool live_done = *live != nullptr && (*live)->done();
    const bool stored_done = *stored != nullptr && (*stored)->done();
    return !(*set)->Health().ok() || (by_count ? (live_done || *live == nullptr) && (stored_done || *stored == nullptr)
                                               : live_done || stored_done);
  };
  if (!by_count) AwaitFor(extent.warm_up, failed);
  const uint64_t heard_before = (*set)->Totals().messages;
  const uint64_t stored_before = AcceptedBy(*stored);
  const Watch watch(subject);
  AwaitFor(by_count ? kCountPatience : extent.measured, failed);
  const absl::StatusOr<Usage> usage = watch.Read();
  if (!usage.ok()) return usage.status();
  const Phase phase = {.seconds = absl::ToDoubleSeconds(usage->time),
                       .deliveries = static_cast<double>((*set)->Totals().messages - heard_before),
                       .stored = static_cast<double>(AcceptedBy(*stored) - stored_before),
                       .usage = *usage};
  if (absl::Status status = Finish(*live); !status.ok()) return status;
  if (absl::Status status = Finish(*stored); !status.ok()) return status;
  if (absl::Status status = mixture.live ? CheckHeard(extent, (*live)->accepted(), **set) : (*set)->Health();
      !status.ok()) {
    return status;
  }
  (*set)->Stop();
  return phase;
}

double Loss(double before, double after) { return 100 * (1 - after / before); }

// The thread that used most while live messages were alone: the loop that delivers them.
pid_t BusiestThread(const Phase& phase) {
  const auto busiest = std::max_element(phase.usage.threads.begin(), phase.usage.threads.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  return busiest == phase.usage.threads.end() ? 0 : busiest->first;
}

double CoresOf(pid_t thread, const Phase& phase) {
  const auto found = phase.usage.threads.find(thread);
  return found == phase.usage.threads.end() ? 0 : absl::ToDoubleSeconds(found->second) / phase.seconds;
}

void AddFigures(const Phase& live, const Phase& stored, const Phase& both, const Record& record) {
  const pid_t loop = BusiestThread(live);
  record.Add("deliveries, alone", "1/s", live.deliveries / live.seconds);
  record.Add("deliveries, beside", "1/s", both.deliveries / both.seconds);
  record.Add("loss of deliveries per second", "%",
             Loss(live.deliveries / live.seconds, both.deliveries / both.seconds));
  record.Add("stored, alone", "1/s", stored.stored / stored.seconds);
  record.Add("stored, beside", "1/s", both.stored / both.seconds);
  record.Add("loop's CPU, live alone", "cores", CoresOf(loop, live));
  record.Add("loop's CPU, stored alone", "cores", CoresOf(loop, stored));
  record.Add("loop's CPU, both", "cores", CoresOf(loop, both));
  // Clocks of processes tick a hundred times a second: in a short run they may not have moved.
  if (live.server_cpu() <= 0 || stored.server_cpu() <= 0 || both.server_cpu() <= 0 || stored.stored <= 0) return;
  const double alone = live.deliveries / live.server_cpu();
  record.Add("deliveries per server CPU, alone", "1/s", alone);
  const double whole = both.deliveries / both.server_cpu();
  record.Add("deliveries per server CPU, beside", "1/s", whole);
  record.Add("loss, all CPU to live", "%", Loss(alone, whole));
  const double rest = both.server_cpu() - both.stored * stored.server_cpu() / stored.stored;
  if (rest > 0) record.Add("loss, stored's own CPU taken off", "%", Loss(alone, both.deliveries / rest));
}

absl::Status RunBeside(const Extent& extent, const Subject& subject, const Record& record) {
  const absl::StatusOr<Phase> live = MeasurePhase({.live = true}, extent, subject);
  if (!live.ok()) return live.status();
  const absl::StatusOr<Phase> stored = MeasurePhase({.stored = true}, extent, subject);
  if (!stored.ok()) return stored.status();
  const absl::StatusOr<Phase> both = MeasurePhase({.live = true, .stored = true}, extent, subject);
  if (!both.ok()) return both.status();
  AddFigures(*live, *stored, *both, record);
  return absl::OkStatus();
}

}  // namespace

void AddBeside(Scale, std::vector<Case>* cases) {
  cases->push_back({.name = "D4/10/128", .only_nmq = true, .stores = true, .run = &RunBeside});
}

}  // namespace nmq::bench
