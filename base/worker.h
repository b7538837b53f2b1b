#ifndef NMQ_BASE_WORKER_H_
#define NMQ_BASE_WORKER_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// A thread for work that would keep a loop from its streams: long lists, reading from disk. Whoever posts bounds what
// waits. Thread-safe.
class Worker {
 public:
  Worker();
  // Does what is still posted.
  ~Worker();

  void Post(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until all that was posted before is done. Not from a task.
  void Flush() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;  // a leaf: nothing is locked under it
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace nmq

#endif  // NMQ_BASE_WORKER_H_
