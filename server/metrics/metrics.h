#ifndef NMQ_SERVER_METRICS_METRICS_H_
#define NMQ_SERVER_METRICS_METRICS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace prometheus {
struct MetricFamily;
}  // namespace prometheus

namespace nmq {

// What the server counts and measures since it started. The model is that of Prometheus: families of counters, gauges
// and histograms, whose members labels tell apart; prometheus-cpp keeps them. The last word of a name is its unit.
// Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Counts a RESOURCE_EXHAUSTED, UNAUTHENTICATED or PERMISSION_DENIED by its reason and its limit, both of which are
  // the code's own words; does nothing for any other status.
  void CountRefusal(const absl::Status& status);
  // A write of the store: what it held, and how long it took, with the sync if it was synced.
  void ObserveCommit(uint64_t messages, uint64_t bytes, absl::Duration time, bool synced);
  // A turn of an event loop, without the time that it waited.
  void ObserveTurn(absl::Duration time);
  // Adds a gauge that is read whenever the metrics are: on any thread, under no lock. What `read` looks at must be
  // there as long as somebody collects.
  void AddGauge(const std::string& name, const std::string& help, std::function<double()> read);

  // All families, each with at least one member, in the order of their names.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  struct Families;
  const std::unique_ptr<Families> families_;
};

}  // namespace nmq

#endif  // NMQ_SERVER_METRICS_METRICS_H_
