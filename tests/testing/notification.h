#ifndef NMQ_TESTS_TESTING_NOTIFICATION_H_
#define NMQ_TESTS_TESTING_NOTIFICATION_H_

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
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

  bool HasBeenNotified() const {
    MutexLock lock(&mu_);
    return notified_;
  }

  void WaitForNotification() const {
    MutexLock lock(&mu_);
    while (!notified_) changed_.Wait(&mu_);
  }

  // False if it is not notified within this time, or about.
  bool WaitForNotificationWithTimeout(absl::Duration timeout) const {
    MutexLock lock(&mu_);
    while (!notified_ && !changed_.WaitWithTimeout(&mu_, timeout)) {
    }
    return notified_;
  }

 private:
  mutable Mutex mu_;
  mutable CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_NOTIFICATION_H_
