#ifndef NMQ_TESTS_BENCH_HARNESS_NO_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_HARNESS_NO_SUBSCRIBERS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Nobody listens.
class NoSubscribers final : public SubscriberSet {
 public:
  ReceiveTotals Totals() const override { return {}; }
  uint64_t Slowest() const override { return 0; }
  absl::Status Health() const override { return absl::OkStatus(); }
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t, int64_t) override {}
  Histogram Stop() override { return {}; }
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_NO_SUBSCRIBERS_H_
