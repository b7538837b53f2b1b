#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

constexpr uint64_t kLag = 20000;

// Each event is for one subscriber.
struct Interests {
  int events = 0;
  int subscribers = 0;
  // They want their events by patterns instead of names.
  bool patterns = false;
  // Each subscriber has one of its own if there are as many; else they share them.
  int connections = 0;
};

// Of the same length for all events, so that all batches are of the same length.
std::string EventName(int event) { return absl::StrCat("e", absl::Dec(event, absl::kZeroPad4)); }

// The events are dealt out in turn: in a batch of events in a row, nobody finds more of theirs than somebody else.
Interest InterestOf(int subscriber, const Interests& interests) {
  Interest interest;
  for (int event = subscriber; event < interests.events; event += interests.subscribers) {
    interest.events.push_back(absl::StrCat(EventName(event), interests.patterns ? ".*" : ""));
  }
  return interest;
}

absl::Status RunInterests(const Interests& interests, const Extent& extent, const Subject& subject,
                          const Record& record) {
  std::vector<Destination> destinations;
  for (int i = 0; i < interests.events; ++i) {
    destinations.push_back({absl::StrCat(EventName(i), interests.patterns ? ".done" : "")});
  }
  const Load load = {.subscribers = {.queue = "bench",
                                     .subscribers = interests.subscribers,
                                     .connections = interests.connections,
                                     .clients = interests.subscribers,
                                     .interest = [interests](int i) { return InterestOf(i, interests); }},
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
  const int shared = events / 10;
  const auto add = [cases](const std::string& name, const Interests& interests) {
    cases->push_back({.name = name,
                      .connections = interests.connections + 1,
                      .run = [=](const Extent& extent, const Subject& subject, const Record& record) {
                        return RunInterests(interests, extent, subject, record);
                      }});
  };
  add("W4/events", {.events = events, .subscribers = events, .connections = shared});
  add("W4/events/own", {.events = events, .subscribers = events, .connections = events});
  add("W4/patterns", {.events = events, .subscribers = events, .patterns = true, .connections = shared});
  add("W4/shared", {.events = events, .subscribers = shared, .connections = shared});
}

}  // namespace nmq::bench
