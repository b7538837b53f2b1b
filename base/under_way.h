#ifndef NMQ_BASE_UNDER_WAY_H_
#define NMQ_BASE_UNDER_WAY_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// Counts what was begun and has not ended, so that its owner can wait for it before it goes. Thread-safe.
class UnderWay {
 public:
  void Begin() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++count_;
  }
  // The last one may let the owner go: nothing of it may be used after this.
  void End() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (--count_ == 0) changed_.SignalAll();
  }
  void WaitForNone() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (count_ > 0) changed_.Wait(&mu_);
  }

 private:
  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  uint64_t count_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace nmq

#endif  // NMQ_BASE_UNDER_WAY_H_
