#ifndef NMQ_TESTS_BENCH_PEERS_RECEPTION_H_
#define NMQ_TESTS_BENCH_PEERS_RECEPTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/harness/payload.h"

namespace nmq::bench {

// Latencies of a set of subscribers, in a histogram for each thread that hears messages. Thread-safe.
class LatencyBoard {
 public:
  // See SubscriberSet::RecordLatency().
  void Record(int64_t from, int64_t to) {
    to_.store(to);
    from_.store(from);
  }

  // Counts a message that was published at this time, if it is to be recorded.
  void Heard(int64_t published);

  // When no thread hears messages any more.
  Histogram Merged() const;

 private:
  Histogram* Mine();
  static uint64_t NextId();

  // Never that of another board, not even of one that is gone.
  const uint64_t id_ = NextId();
  std::atomic<int64_t> from_{INT64_MAX};
  std::atomic<int64_t> to_{INT64_MAX};
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Histogram>> histograms_ ABSL_GUARDED_BY(mutex_);
};

// What one subscription has heard. One thread hears, any thread asks.
class Ear {
 public:
  // `whole`: it hears every message. Without `every_latency`, only one of 64 messages is looked at for its latency.
  Ear(bool whole, bool every_latency, LatencyBoard* latencies)
      : latencies_(latencies), latency_mask_(every_latency ? 0 : kLatencyMask), order_(whole) {}

  void Heard(absl::string_view payload);

  uint64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  uint64_t disorder() const { return disorder_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kLatencyMask = 63;

  LatencyBoard* const latencies_;
  const uint64_t latency_mask_;
  OrderCheck order_;
  alignas(64) std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> disorder_{0};
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_RECEPTION_H_
