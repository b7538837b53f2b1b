#ifndef NMQ_TESTS_TESTING_NOTIFICATION_H_
#define NMQ_TESTS_TESTING_NOTIFICATION_H_

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// As absl::Notification, whose locking is the distribution's, which ThreadSanitizer does not see. Thread-safe.
class Notification {
 public:
  void Notify() {
    MutexLock lock(&mu_);
    notified_ = true;
    changed_.SignalAll();
  }

  void WaitForNotification() {
    MutexLock lock(&mu_);
    while (!notified_) changed_.Wait(&mu_);
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_NOTIFICATION_H_
