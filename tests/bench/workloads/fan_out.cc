#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {
namespace {

// Services have a connection each; with more of them, several share one.
constexpr int kConnectionsMax = 100;
// How far subscribers may be behind: what waits for one connection stays below every system's bound, with its defaults.
constexpr uint64_t kLagMax = 20000;
constexpr uint64_t kConnectionBytes = 32 << 20;
constexpr uint64_t kOverheadBytes = 64;

uint64_t LagFor(int subscribers, int payload_bytes) {
  const uint64_t on_one = static_cast<uint64_t>((subscribers + kConnectionsMax - 1) / kConnectionsMax);
  return std::min(kLagMax, kConnectionBytes / ((static_cast<uint64_t>(payload_bytes) + kOverheadBytes) * on_one));
}

// One publisher to everybody, as fast as they hear it.
absl::Status RunFanOut(int subscribers, int payload_bytes, const Extent& extent, const Subject& subject,
                       const Record& record) {
  const Load load = {.subscribers = {.queue = "bench",
                                     .subscribers = subscribers,
                                     .connections = std::min(subscribers, kConnectionsMax),
                                     .clients = subscribers},
                     .eager = PublisherSpec{.queue = "bench", .payload_bytes = payload_bytes},
                     .fan_out = static_cast<uint64_t>(subscribers),
                     .lag = LagFor(subscribers, payload_bytes)};
  const absl::StatusOr<Sample> sample = Measure(extent, subject, load);
  if (!sample.ok()) return sample.status();
  AddDeliveries(*sample, record);
  return absl::OkStatus();
}

Case FanOutCase(const std::string& name, int subscribers, int payload_bytes) {
  return {.name = name, .run = [=](const Extent& extent, const Subject& subject, const Record& record) {
            return RunFanOut(subscribers, payload_bytes, extent, subject, record);
          }};
}

}  // namespace

void AddFanOut(Scale scale, std::vector<Case>* cases) {
  const bool full = scale == Scale::kFull;
  const std::vector<int> sizes = full ? std::vector<int>{128, 16, 1024} : std::vector<int>{128};
  for (const int payload_bytes : sizes) {
    for (const int subscribers : full ? std::vector<int>{1, 10, 100, 1000} : std::vector<int>{1, 10, 100}) {
      cases->push_back(FanOutCase(absl::StrCat("W1/", subscribers, "/", payload_bytes), subscribers, payload_bytes));
    }
  }
  for (const int subscribers : full ? std::vector<int>{25, 50, 100, 200} : std::vector<int>{5, 10}) {
    cases->push_back(FanOutCase(absl::StrCat("W8/subscribers/", subscribers), subscribers, 128));
    cases->back().only_nmq = true;
  }
}

}  // namespace nmq::bench
