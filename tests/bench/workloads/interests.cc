#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr int kConnections = 100;
constexpr uint64_t kLag = 20000;

// As many subscribers as events, and each wants one; by its name, or by a pattern.
absl::Status RunInterests(int events, bool patterns, const Extent& extent, const Subject& subject,
                          const Record& record) {
  std::vector<Destination> destinations;
  for (int i = 0; i < events; ++i) destinations.push_back({absl::StrCat("e", i, patterns ? ".done" : "")});
  const auto interest = [patterns](int i) { return Interest{.event = absl::StrCat("e", i, patterns ? ".*" : "")}; };
  const Load load = {.subscribers = {.queue = "bench",
                                     .subscribers = events,
                                     .connections = kConnections,
                                     .clients = events,
                                     .interest = interest},
                     .eager = PublisherSpec{.queue = "bench", .destinations = destinations},
                     .fan_out = 1,
                     .lag = kLag};
  const absl::StatusOr<Sample> sample = Measure(extent, subject, load);
  if (!sample.ok()) return sample.status();
  const double published = static_cast<double>(sample->published);
  record.Add("published", "1/s", published / absl::ToDoubleSeconds(sample->usage.time));
  record.Add("server CPU per message", "us", absl::ToDoubleMicroseconds(sample->usage.server_cpu) / published);
  return absl::OkStatus();
}

}  // namespace

void AddInterests(Scale scale, std::vector<Case>* cases) {
  const int events = scale == Scale::kFull ? 1000 : 50;
  for (const bool patterns : {false, true}) {
    cases->push_back({.name = patterns ? "W4/patterns" : "W4/events",
                      .run = [=](const Extent& extent, const Subject& subject, const Record& record) {
                        return RunInterests(events, patterns, extent, subject, record);
                      }});
  }
}

}  // namespace nmq::bench
