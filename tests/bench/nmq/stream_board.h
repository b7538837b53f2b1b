#ifndef NMQ_TESTS_BENCH_NMQ_STREAM_BOARD_H_
#define NMQ_TESTS_BENCH_NMQ_STREAM_BOARD_H_

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace nmq::bench {

// How far the streams of a set are, for those who wait. Thread-safe.
class StreamBoard {
 public:
  explicit StreamBoard(int streams) : streams_(streams) {}

  void Ready(absl::Duration heartbeat);
  // A stream is over, with what the server or this side said.
  void Ended(const absl::Status& status);
  // From here on, an ended stream is no error.
  void ExpectEnds();

  // Waits until all streams are ready or one has failed.
  absl::Status AwaitReady(absl::Duration patience);
  void AwaitEnds();
  absl::Status health() const;
  absl::Duration heartbeat() const;

 private:
  const int streams_;
  mutable absl::Mutex mutex_;
  int ready_ ABSL_GUARDED_BY(mutex_) = 0;
  int ended_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ends_expected_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  absl::Duration heartbeat_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_STREAM_BOARD_H_
