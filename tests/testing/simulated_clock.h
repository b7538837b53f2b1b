// A clock that tests set.
#ifndef NMQ_TESTS_TESTING_SIMULATED_CLOCK_H_
#define NMQ_TESTS_TESTING_SIMULATED_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace nmq {

// Stands still until told otherwise. Thread-safe.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(absl::Time now = absl::FromUnixSeconds(1'700'000'000)) : now_(now) {}

  absl::Time Now() const override {
    MutexLock lock(&mutex_);
    return now_;
  }

  absl::Duration Monotonic() const override {
    MutexLock lock(&mutex_);
    return monotonic_;
  }

  // Time passes.
  void Advance(absl::Duration by) {
    MutexLock lock(&mutex_);
    now_ += by;
    monotonic_ += by;
  }

  // Somebody sets the time of day; no time passes.
  void SetWall(absl::Time now) {
    MutexLock lock(&mutex_);
    now_ = now;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1000);
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_SIMULATED_CLOCK_H_
