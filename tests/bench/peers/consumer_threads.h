#ifndef NMQ_TESTS_BENCH_PEERS_CONSUMER_THREADS_H_
#define NMQ_TESTS_BENCH_PEERS_CONSUMER_THREADS_H_

#include <cstdint>
#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace nmq::bench {

// Runs body(0) to body(threads - 1) in a thread each, and waits for all of them. OK, or one's failure.
absl::Status RunInThreads(int threads, const std::function<absl::Status(int)>& body);

// What is still to be fetched, so that nobody waits for messages that others get. Thread-safe.
class Share {
 public:
  explicit Share(uint64_t messages) : left_(messages) {}

  // Takes up to that many; 0 when nothing is left.
  uint64_t Take(uint64_t most);
  // Gives back what was taken and did not come.
  void Return(uint64_t messages);

 private:
  absl::Mutex mutex_;
  uint64_t left_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_CONSUMER_THREADS_H_
