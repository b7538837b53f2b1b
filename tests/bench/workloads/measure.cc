#include "tests/bench/workloads/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/harness/no_subscribers.h"

namespace nmq::bench {
namespace {

// How long publishing a number of messages may take.
constexpr absl::Duration kCountPatience = absl::Minutes(2);

// How many of the published messages everybody has heard, or, where messages are for few, all together.
uint64_t Heard(const Load& load, const SubscriberSet& set) {
  if (load.subscribers.interest == nullptr) return set.Slowest();
  const ReceiveTotals totals = set.Totals();
  return (totals.messages + totals.missing) / load.fan_out;
}

// Waits until everything that was published has been heard, or nothing more comes.
absl::Status Settle(absl::Duration patience, uint64_t published, const Load& load, const SubscriberSet& set) {
  const uint64_t expected = published * load.fan_out;
  ReceiveTotals totals = set.Totals();
  while (totals.messages + totals.missing < expected) {
    const uint64_t before = totals.messages + totals.missing;
    const bool moved = AwaitFor(patience, [&] {
      totals = set.Totals();
      return totals.messages + totals.missing > before || !set.Health().ok();
    });
    if (!set.Health().ok()) return set.Health();
    if (!moved) break;
  }
  if (totals.messages + totals.missing == expected && totals.disorder == 0) return set.Health();
  return absl::DataLossError(absl::StrCat(
      expected, " deliveries were due, ", totals.messages, " came, ", totals.missing, " were said to be lost, ",
      totals.disorder, " came out of turn; nothing more came within ", absl::FormatDuration(patience)));
}

absl::StatusOr<std::unique_ptr<Publisher>> Publish(const Extent& extent, const Subject& subject, const Load& load,
                                                   Throttle* throttle) {
  if (load.paced) {
    PaceSpec spec = *load.paced;
    spec.max_messages = extent.messages;
    return subject.client->PublishPaced(spec);
  }
  PublisherSpec spec = *load.eager;
  spec.max_messages = extent.messages;
  spec.throttle = load.lag == 0 ? nullptr : throttle;
  return subject.client->Publish(spec);
}

}  // namespace

Watch::Watch(const Subject& subject) : subject_(subject), start_(Look()) {}

Watch::Moment Watch::Look() const {
  Moment moment;
  moment.server = ReadProcessStats(subject_.server);
  moment.threads = ReadThreadTimes(subject_.server);
  rusage own = {};
  getrusage(RUSAGE_SELF, &own);
  moment.client_cpu = absl::DurationFromTimeval(own.ru_utime) + absl::DurationFromTimeval(own.ru_stime);
  if (subject_.client != nullptr && subject_.client->process() != 0) {
    const absl::StatusOr<ProcessStats> helper = ReadProcessStats(subject_.client->process());
    if (helper.ok()) moment.client_cpu += helper->cpu;
  }
  moment.time = Now();
  return moment;
}

absl::StatusOr<Usage> Watch::Read() const {
  const Moment now = Look();
  if (!start_.server.ok()) return start_.server.status();
  if (!now.server.ok()) return now.server.status();
  Usage usage = {.time = absl::Nanoseconds(now.time - start_.time),
                 .server_cpu = now.server->cpu - start_.server->cpu,
                 .client_cpu = now.client_cpu - start_.client_cpu,
                 .resident = now.server->resident,
                 .resident_peak = now.server->resident_peak};
  if (!now.threads.ok() || !start_.threads.ok()) return usage;
  for (const auto& [thread, cpu] : *now.threads) {
    const auto before = start_.threads->find(thread);
    usage.threads[thread] = cpu - (before == start_.threads->end() ? absl::ZeroDuration() : before->second);
  }
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

absl::StatusOr<Sample> Measure(const Extent& extent, const Subject& subject, const Load& load) {
  absl::StatusOr<std::unique_ptr<SubscriberSet>> set = subject.client->Subscribe(load.subscribers);
  if (!set.ok()) return set.status();
  return Measure(extent, subject, load, set->get());
}

absl::StatusOr<Sample> Measure(const Extent& extent, const Subject& subject, const Load& load, SubscriberSet* set) {
  Throttle throttle(load.lag, [&load, set] { return Heard(load, *set); });
  absl::StatusOr<std::unique_ptr<Publisher>> publisher = Publish(extent, subject, load, &throttle);
  if (!publisher.ok()) return publisher.status();
  const bool by_count = extent.messages != 0;
  const auto over = [&] { return (*publisher)->done() || !set->Health().ok(); };
  if (!by_count) AwaitFor(extent.warm_up, over);

  Sample sample;
  const uint64_t published_before = by_count ? 0 : (*publisher)->accepted();
  const uint64_t heard_before = by_count ? 0 : set->Totals().messages;
  const Watch watch(subject);
  set->RecordLatency(by_count ? 0 : Now());
  (*publisher)->RecordAnswers();
  AwaitFor(by_count ? kCountPatience : extent.measured, over);
  absl::StatusOr<Usage> usage = watch.Read();
  if (!usage.ok()) return usage.status();
  sample.usage = *usage;
  sample.deliveries = set->Totals().messages - heard_before;
  sample.published = (*publisher)->accepted() - published_before;

  if (absl::Status status = (*publisher)->Finish(); !status.ok()) return status;
  if (absl::Status status = Settle(extent.patience, (*publisher)->accepted(), load, *set); !status.ok()) return status;
  const ReceiveTotals totals = set->Totals();
  sample.heard = totals.messages;
  sample.missing = totals.missing;
  if (by_count) sample.deliveries = sample.heard;
  if (sample.published == 0) return absl::DeadlineExceededError("nothing was published while measuring");
  sample.answers = (*publisher)->answers();
  sample.latency = set->Stop();
  return sample;
}

absl::StatusOr<Sample> MeasurePublishing(const Extent& extent, const Subject& subject, const PublisherSpec& spec) {
  const Load load = {.eager = spec, .fan_out = 0};
  NoSubscribers nobody;
  return Measure(extent, subject, load, &nobody);
}

}  // namespace nmq::bench
