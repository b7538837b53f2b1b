#ifndef NMQ_TESTS_BENCH_PEERS_POLLED_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_PEERS_POLLED_SUBSCRIBERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/peers/polling_threads.h"
#include "tests/bench/peers/reception.h"

namespace nmq::bench {

// How far the subscribers of a set are. Thread-safe.
class HearingBoard {
 public:
  void Confirmed();
  void Failed(const absl::Status& status);

  // Waits for so many confirmations, or for a failure.
  absl::Status Await(uint64_t confirmations);
  // The first failure.
  absl::Status health() const;

 private:
  mutable absl::Mutex mutex_;
  uint64_t confirmed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
};

// Subscribers whose connections are polled by a few threads.
class PolledSubscribers final : public SubscriberSet {
 public:
  explicit PolledSubscribers(const SubscriberSpec& spec);

  Ear* ear(int subscriber) { return ears_[static_cast<size_t>(subscriber)].get(); }
  HearingBoard* board() { return &board_; }
  // Reads for the connection from now on; not after Stop().
  absl::Status Add(std::unique_ptr<HearingConnection> connection) { return threads_.Add(std::move(connection)); }

  ReceiveTotals Totals() const override;
  uint64_t Slowest() const override;
  absl::Status Health() const override { return board_.health(); }
  absl::Duration heartbeat() const override { return absl::ZeroDuration(); }
  void RecordLatency(int64_t from, int64_t to) override { latencies_.Record(from, to); }
  Histogram Stop() override;

 private:
  LatencyBoard latencies_;
  HearingBoard board_;
  std::vector<std::unique_ptr<Ear>> ears_;
  // Last, so that its threads end before what they use goes.
  PollingThreads threads_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_POLLED_SUBSCRIBERS_H_
