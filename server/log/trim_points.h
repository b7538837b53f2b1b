// What queues have given up, and the filter that keeps it out of new files.
#ifndef NMQ_SERVER_LOG_TRIM_POINTS_H_
#define NMQ_SERVER_LOG_TRIM_POINTS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "rocksdb/compaction_filter.h"

namespace nmq::log {

// The first sequence that each queue still holds; queues that never gave up anything take no memory. Thread-safe.
class TrimPoints {
 public:
  // 1 if the queue never gave up anything.
  uint64_t First(uint64_t queue) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Readers see the new first sequence from now on; files may still be needed. Never goes back.
  void Set(uint64_t queue, uint64_t first) ABSL_LOCKS_EXCLUDED(mutex_);
  // The first sequence cannot be lost any more, not even with the power: what is before it may go from the files.
  void SetDurable(uint64_t queue, uint64_t first) ABSL_LOCKS_EXCLUDED(mutex_);
  void Erase(uint64_t queue) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Point {
    uint64_t queue;
    uint64_t first;
  };
  // Those that are set and not durable.
  std::vector<Point> Pending() const ABSL_LOCKS_EXCLUDED(mutex_);

  using Firsts = absl::flat_hash_map<uint64_t, uint64_t>;
  // The durable ones.
  Firsts Durable() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  Firsts firsts_ ABSL_GUARDED_BY(mutex_);
  Firsts durable_ ABSL_GUARDED_BY(mutex_);
  // Keys of firsts_ whose value is not in durable_.
  absl::flat_hash_map<uint64_t, uint64_t> pending_ ABSL_GUARDED_BY(mutex_);
};

// Filters for flushes and compactions of the messages. `points` must outlive the database.
std::shared_ptr<rocksdb::CompactionFilterFactory> NewTrimFilterFactory(const TrimPoints* points);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_TRIM_POINTS_H_
