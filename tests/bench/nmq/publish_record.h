#ifndef NMQ_TESTS_BENCH_NMQ_PUBLISH_RECORD_H_
#define NMQ_TESTS_BENCH_NMQ_PUBLISH_RECORD_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"

namespace nmq::bench {

// What became of everything that a publisher sent: counts, the first failure, how long answers took. Thread-safe.
class PublishRecord {
 public:
  // Counts messages that are about to be sent. False if none may be sent any more.
  bool Send(uint64_t messages);
  // From here on, none may.
  void Stop();
  // The answer to messages sent at that time: how many of them are accepted; or the first failure, after which nothing
  // is waited for.
  void Answered(const absl::StatusOr<uint64_t>& accepted, int64_t sent);
  void RecordAnswers();

  uint64_t accepted() const;
  uint64_t sent() const;
  bool stopped() const;
  bool failed() const { return !verdict().ok(); }
  absl::Status verdict() const;
  Histogram answers() const;
  // Waits until everything sent is answered, or something has failed.
  absl::Status AwaitAnswers(absl::Duration patience);

 private:
  mutable absl::Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t sent_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t record_from_ ABSL_GUARDED_BY(mutex_) = INT64_MAX;
  Histogram answers_ ABSL_GUARDED_BY(mutex_);
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_PUBLISH_RECORD_H_
