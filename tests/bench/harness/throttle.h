#ifndef NMQ_TESTS_BENCH_HARNESS_THROTTLE_H_
#define NMQ_TESTS_BENCH_HARNESS_THROTTLE_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace nmq::bench {

// Keeps publishers from running away from the subscribers. Thread-safe.
class Throttle {
 public:
  // `heard` says how many of the published messages everybody has heard; it is asked rarely.
  Throttle(uint64_t lag, std::function<uint64_t()> heard) : lag_(lag), heard_(std::move(heard)) {}

  // Whether that many more may be published now; if so, they count as published.
  bool Admit(uint64_t messages);

  uint64_t lag() const { return lag_; }

 private:
  const uint64_t lag_;
  const std::function<uint64_t()> heard_;
  absl::Mutex mutex_;
  uint64_t published_ ABSL_GUARDED_BY(mutex_) = 0;
  // What `heard_` said last.
  uint64_t known_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_THROTTLE_H_
