// The project's mutex: absl::Mutex, or, under ThreadSanitizer, a stand-in that it can see. The distribution's Abseil is
// not instrumented, so what absl::Mutex guards would be reported as races. And its condition variable, whose waits are
// timed by the monotonic clock: a time of day that is set meanwhile makes them no longer and no shorter.
#ifndef NMQ_BASE_MUTEX_H_
#define NMQ_BASE_MUTEX_H_

#if defined(__SANITIZE_THREAD__)
#define NMQ_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define NMQ_THREAD_SANITIZER 1
#endif
#endif

#ifdef NMQ_THREAD_SANITIZER
#include <algorithm>
#include <condition_variable>
#include <shared_mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#else
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#endif

namespace nmq {

#ifdef NMQ_THREAD_SANITIZER

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }
  void ReaderLock() ABSL_SHARED_LOCK_FUNCTION() { mu_.lock_shared(); }
  void ReaderUnlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock_shared(); }

 private:
  friend class CondVar;
  std::shared_mutex mu_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mu_;
};

class ABSL_SCOPED_LOCKABLE ReaderMutexLock {
 public:
  explicit ReaderMutexLock(Mutex* mu) ABSL_SHARED_LOCK_FUNCTION(mu) : mu_(mu) { mu_->ReaderLock(); }
  ~ReaderMutexLock() ABSL_UNLOCK_FUNCTION() { mu_->ReaderUnlock(); }
  ReaderMutexLock(const ReaderMutexLock&) = delete;
  ReaderMutexLock& operator=(const ReaderMutexLock&) = delete;

 private:
  Mutex* const mu_;
};

class CondVar {
 public:
  void Wait(Mutex* mu) { cv_.wait(mu->mu_); }
  // True if the time ran out.
  bool WaitWithTimeout(Mutex* mu, absl::Duration timeout) {
    // The standard library's clock overflows at times that never come.
    const absl::Duration bound = std::min(timeout, absl::Hours(24 * 365));
    return cv_.wait_for(mu->mu_, absl::ToChronoMicroseconds(bound)) == std::cv_status::timeout;
  }
  void Signal() { cv_.notify_one(); }
  void SignalAll() { cv_.notify_all(); }

 private:
  std::condition_variable_any cv_;
};

#else

using Mutex = absl::Mutex;
using MutexLock = absl::MutexLock;
using ReaderMutexLock = absl::ReaderMutexLock;

// As absl::CondVar.
class CondVar {
 public:
  void Wait(Mutex* mu) { cv_.Wait(mu); }
  // True if the time ran out.
  bool WaitWithTimeout(Mutex* mu, absl::Duration timeout);
  void Signal() { cv_.Signal(); }
  void SignalAll() { cv_.SignalAll(); }

 private:
  absl::CondVar cv_;
};

#endif

}  // namespace nmq

#endif  // NMQ_BASE_MUTEX_H_
