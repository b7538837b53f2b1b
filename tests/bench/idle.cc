#include <memory>

#include "tests/bench/workload.h"

namespace nmq::bench {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

void AddMemory(const ProcessStats& before, const ProcessStats& after, int subscriptions, absl::string_view workload,
               Report* report) {
  report->Add(workload, "server memory", "MiB", static_cast<double>(after.resident) / kMebibyte);
  report->Add(workload, "server memory, peak", "MiB", static_cast<double>(after.resident_peak) / kMebibyte);
  report->Add(workload, "memory per idle subscription", "bytes",
              static_cast<double>(after.resident - before.resident) / subscriptions);
}

void AddCpu(const ProcessStats& before, const ProcessStats& after, double seconds, uint64_t heartbeats,
            absl::string_view workload, Report* report) {
  const absl::Duration cpu = after.cpu - before.cpu;
  report->Add(workload, "server CPU", "cores", absl::ToDoubleSeconds(cpu) / seconds);
  if (heartbeats == 0) return;
  report->Add(workload, "server CPU per heartbeat", "us",
              absl::ToDoubleMicroseconds(cpu) / static_cast<double>(heartbeats));
}

}  // namespace

absl::Status RunIdle(const Options& options, const Target& target, absl::string_view workload, Report* report) {
  const SubscriberSpec listeners = {.queue = target.queue,
                                    .subscribers = options.idle_subscriptions,
                                    .channels = options.idle_connections,
                                    .clients = options.idle_clients,
                                    .threads = options.threads};
  const Usage alone = ReadUsage(target);
  absl::StatusOr<std::unique_ptr<SubscriberSet>> set = target.client->Subscribe(listeners);
  if (!set.ok()) return set.status();
  const Usage open = ReadUsage(target);

  const uint64_t heartbeats_before = (*set)->Totals().heartbeats;
  const absl::Duration watched =
      options.idle_watched > absl::ZeroDuration() ? options.idle_watched : (*set)->heartbeat();
  AwaitFor(watched, [&] { return !(*set)->Health().ok(); });
  const Usage later = ReadUsage(target);
  const uint64_t heartbeats = (*set)->Totals().heartbeats - heartbeats_before;
  if (!(*set)->Health().ok()) return (*set)->Health();
  (*set)->Stop();

  report->Add(workload, "idle subscriptions", "", options.idle_subscriptions);
  report->Add(workload, "opened", "1/s",
              options.idle_subscriptions / (static_cast<double>(open.time - alone.time) / 1e9));
  report->Add(workload, "heartbeats", "", static_cast<double>(heartbeats));
  if (alone.server && open.server && later.server) {
    AddMemory(*alone.server, *open.server, options.idle_subscriptions, workload, report);
    AddCpu(*open.server, *later.server, static_cast<double>(later.time - open.time) / 1e9, heartbeats, workload,
           report);
  }
  return absl::OkStatus();
}

}  // namespace nmq::bench
