#include <memory>

#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kHealthy = 20;
constexpr int kPayloadBytes = 1024;
constexpr int kPerSecond = 2000;
constexpr double kMebibyte = 1024.0 * 1024.0;

// Twenty subscribers that read, with or without one beside them that does not.
absl::Status RunStalled(bool stalled, const Extent& extent, const Subject& subject, const Record& record) {
  absl::StatusOr<std::unique_ptr<SubscriberSet>> stuck = nullptr;
  if (stalled) stuck = subject.client->Subscribe({.queue = "bench", .stalled = true});
  if (!stuck.ok()) return stuck.status();
  const Load load = {.subscribers = {.queue = "bench",
                                     .subscribers = kHealthy,
                                     .connections = kHealthy,
                                     .clients = kHealthy,
                                     .every_latency = true},
                     .paced = PaceSpec{.queue = "bench", .payload_bytes = kPayloadBytes, .per_second = kPerSecond},
                     .fan_out = kHealthy};
  const absl::StatusOr<Sample> sample = Measure(extent, subject, load);
  if (!sample.ok()) return sample.status();
  AddLatency(sample->latency, "latency", record);
  record.Add("server memory, peak", "MiB", static_cast<double>(sample->usage.resident_peak) / kMebibyte);
  return absl::OkStatus();
}

}  // namespace

void AddStalled(Scale, std::vector<Case>* cases) {
  for (const bool stalled : {false, true}) {
    cases->push_back({.name = stalled ? "W7/stalled" : "W7/without",
                      .run = [stalled](const Extent& extent, const Subject& subject, const Record& record) {
                        Extent longer = extent;
                        // For the one that does not read to fall far behind.
                        longer.measured = extent.measured * 3;
                        return RunStalled(stalled, longer, subject, record);
                      }});
  }
}

}  // namespace nmq::bench
