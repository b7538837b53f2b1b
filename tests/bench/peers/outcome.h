#ifndef NMQ_TESTS_BENCH_PEERS_OUTCOME_H_
#define NMQ_TESTS_BENCH_PEERS_OUTCOME_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace nmq::bench {

// How far publishing is. Thread-safe.
class Outcome {
 public:
  // What became of some messages. False if it was a failure.
  bool Add(const absl::StatusOr<uint64_t>& accepted);
  bool Add(const absl::Status& status);

  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  // The first failure.
  absl::Status verdict() const;

 private:
  std::atomic<uint64_t> accepted_{0};
  std::atomic<bool> failed_{false};
  mutable absl::Mutex mutex_;
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_OUTCOME_H_
