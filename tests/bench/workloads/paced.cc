#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

struct Pace {
  int per_second;
  int subscribers;
};

absl::Status RunPaced(const Pace& pace, const Extent& extent, const Subject& subject, const Record& record) {
  const Load load = {.subscribers = {.queue = "bench",
                                     .subscribers = pace.subscribers,
                                     .connections = pace.subscribers,
                                     .clients = pace.subscribers,
                                     .every_latency = true},
                     .paced = PaceSpec{.queue = "bench", .per_second = pace.per_second},
                     .fan_out = static_cast<uint64_t>(pace.subscribers)};
  const absl::StatusOr<Sample> sample = Measure(extent, subject, load);
  if (!sample.ok()) return sample.status();
  AddLatency(sample->latency, "latency", record);
  AddDeliveries(*sample, record);
  record.Add("server CPU", "cores",
             absl::ToDoubleSeconds(sample->usage.server_cpu) / absl::ToDoubleSeconds(sample->usage.time));
  return absl::OkStatus();
}

}  // namespace

void AddPaced(Scale scale, std::vector<Case>* cases) {
  std::vector<Pace> paces = {{2000, 10}, {500, 100}, {20000, 1}};
  if (scale == Scale::kShort) paces = {{2000, 10}};
  for (const Pace& pace : paces) {
    cases->push_back({.name = absl::StrCat("W2/", pace.per_second, "x", pace.subscribers),
                      .run = [pace](const Extent& extent, const Subject& subject, const Record& record) {
                        return RunPaced(pace, extent, subject, record);
                      }});
  }
}

}  // namespace nmq::bench
