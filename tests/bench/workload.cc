#include "tests/bench/workload.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace nmq::bench {
namespace {

// How long publishing a number of messages may take.
constexpr absl::Duration kCountPatience = absl::Minutes(10);
constexpr double kMebibyte = 1024.0 * 1024.0;

double Millis(int64_t nanos) { return static_cast<double>(nanos) / 1e6; }

// Waits until everything that was published has been heard, or nothing more comes.
absl::Status Settle(absl::Duration patience, uint64_t published, int subscribers, SubscriberSet* set) {
  uint64_t heard = set->Slowest();
  while (heard < published) {
    const bool moved = AwaitFor(patience, [&] { return set->Slowest() > heard || !set->Health().ok(); });
    if (!set->Health().ok()) return set->Health();
    if (!moved) break;
    heard = set->Slowest();
  }
  const ReceiveTotals totals = set->Totals();
  const uint64_t expected = published * static_cast<uint64_t>(subscribers);
  if (totals.messages + totals.missing == expected && totals.disorder == 0) return set->Health();
  return absl::DataLossError(absl::StrCat(expected, " deliveries were due, ", totals.messages, " came, gaps told of ",
                                          totals.missing, ", ", totals.disorder, " batches came out of turn; the ",
                                          "slowest subscriber heard ", set->Slowest(), " of ", published,
                                          " messages, and nothing more within ", absl::FormatDuration(patience)));
}

void AddUsage(const Usage& before, const Usage& after, uint64_t deliveries, absl::string_view workload,
              Report* report) {
  const double seconds = static_cast<double>(after.time - before.time) / 1e9;
  const double count = static_cast<double>(deliveries);
  report->Add(workload, "deliveries", "1/s", count / seconds);
  if (before.server && after.server) {
    const absl::Duration cpu = after.server->cpu - before.server->cpu;
    report->Add(workload, "server CPU per delivery", "us", absl::ToDoubleMicroseconds(cpu) / count);
    report->Add(workload, "server CPU", "cores", absl::ToDoubleSeconds(cpu) / seconds);
  }
  const absl::Duration cpu = after.client_cpu - before.client_cpu;
  report->Add(workload, "client CPU per delivery", "us", absl::ToDoubleMicroseconds(cpu) / count);
  report->Add(workload, "client CPU", "cores", absl::ToDoubleSeconds(cpu) / seconds);
}

void AddLatency(const Histogram& latency, absl::string_view workload, Report* report) {
  if (latency.count() == 0) return;
  report->Add(workload, "latency p50", "ms", Millis(latency.Quantile(0.5)));
  report->Add(workload, "latency p99", "ms", Millis(latency.Quantile(0.99)));
  report->Add(workload, "latency p99.9", "ms", Millis(latency.Quantile(0.999)));
}

void AddMemory(const Usage& usage, absl::string_view workload, Report* report) {
  if (!usage.server) return;
  report->Add(workload, "server memory", "MiB", static_cast<double>(usage.server->resident) / kMebibyte);
  report->Add(workload, "server memory, peak", "MiB", static_cast<double>(usage.server->resident_peak) / kMebibyte);
}

}  // namespace

Usage ReadUsage(const Target& target) {
  Usage usage;
  if (target.server != 0) {
    absl::StatusOr<ProcessStats> stats = ReadProcessStats(target.server);
    if (stats.ok()) usage.server = *std::move(stats);
  }
  rusage own = {};
  getrusage(RUSAGE_SELF, &own);
  usage.client_cpu = absl::DurationFromTimeval(own.ru_utime) + absl::DurationFromTimeval(own.ru_stime);
  usage.time = Now();
  return usage;
}

bool AwaitFor(absl::Duration patience, const std::function<bool()>& over) {
  const int64_t end = Now() + absl::ToInt64Nanoseconds(patience);
  while (!over()) {
    const int64_t left = end - Now();
    if (left <= 0) return false;
    absl::SleepFor(std::min(absl::Nanoseconds(left), absl::Milliseconds(5)));
  }
  return true;
}

absl::Status Measure(const Options& options, const Target& target, absl::string_view workload, int subscribers,
                     SubscriberSet* set, Publisher* publisher, Report* report) {
  const bool by_count = options.messages != 0;
  const auto over = [&] { return publisher->done() || !set->Health().ok(); };
  if (!by_count) AwaitFor(options.warm_up, over);

  const Usage before = ReadUsage(target);
  const uint64_t heard_before = set->Totals().messages;
  const uint64_t published_before = publisher->accepted();
  set->RecordLatency(by_count ? 0 : Now());
  AwaitFor(by_count ? kCountPatience : options.measured, over);
  if (by_count) AwaitFor(options.patience, [&] { return set->Slowest() >= options.messages || !set->Health().ok(); });
  const Usage after = ReadUsage(target);
  const uint64_t deliveries = set->Totals().messages - heard_before;
  const uint64_t published = publisher->accepted() - published_before;

  if (const absl::Status status = publisher->Finish(); !status.ok()) return status;
  if (const absl::Status status = Settle(options.patience, publisher->accepted(), subscribers, set); !status.ok())
    return status;
  const ReceiveTotals totals = set->Totals();
  const Histogram latency = set->Stop();
  if (deliveries == 0) return absl::DeadlineExceededError("nothing was heard while measuring");

  AddUsage(before, after, deliveries, workload, report);
  report->Add(workload, "published", "1/s",
              static_cast<double>(published) / (static_cast<double>(after.time - before.time) / 1e9));
  AddLatency(latency, workload, report);
  AddMemory(after, workload, report);
  report->Add(workload, "heard", "messages", static_cast<double>(totals.messages));
  report->Add(workload, "missed, as gaps told", "messages", static_cast<double>(totals.missing));
  return absl::OkStatus();
}

}  // namespace nmq::bench
