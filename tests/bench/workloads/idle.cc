#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

// As long as nmqd's heartbeat, so that each subscription gets one.
constexpr absl::Duration kWatched = absl::Seconds(15);
constexpr absl::Duration kWatchedShort = absl::Milliseconds(100);

absl::Status RunIdle(int subscriptions, int connections, absl::Duration watched, const Subject& subject,
                     const Record& record) {
  const absl::StatusOr<ProcessStats> alone = ReadProcessStats(subject.server);
  if (!alone.ok()) return alone.status();
  const SubscriberSpec spec = {
      .queue = "idle", .subscribers = subscriptions, .connections = connections, .clients = connections};
  const absl::StatusOr<std::unique_ptr<SubscriberSet>> set = subject.client->Subscribe(spec);
  if (!set.ok()) return set.status();
  const Watch watch(subject);
  AwaitFor(watched, [&] { return !(*set)->Health().ok(); });
  const absl::StatusOr<Usage> usage = watch.Read();
  if (!usage.ok()) return usage.status();
  if (!(*set)->Health().ok()) return (*set)->Health();
  (*set)->Stop();
  record.Add("memory per idle subscription", "bytes",
             static_cast<double>(usage->resident - alone->resident) / subscriptions);
  record.Add("idle CPU", "cores", absl::ToDoubleSeconds(usage->server_cpu) / absl::ToDoubleSeconds(usage->time));
  return absl::OkStatus();
}

}  // namespace

void AddIdle(Scale scale, std::vector<Case>* cases) {
  const bool full = scale == Scale::kFull;
  const int subscriptions = full ? 10000 : 60;
  const absl::Duration watched = full ? kWatched : kWatchedShort;
  for (const int connections : full ? std::vector<int>{100, 2000} : std::vector<int>{6}) {
    cases->push_back({.name = absl::StrCat("W6/", connections),
                      .connections = connections,
                      .run = [=](const Extent&, const Subject& subject, const Record& record) {
                        return RunIdle(subscriptions, connections, watched, subject, record);
                      }});
  }
}

}  // namespace nmq::bench
