// A thread that waits for whatever many subscriptions wait for.
#ifndef NMQ_CLIENT_CPP_EVENT_THREAD_H_
#define NMQ_CLIENT_CPP_EVENT_THREAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/deadline.h"
#include "base/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"

namespace nmq {
inline namespace client {
namespace internal {

// Runs tags of its completion queue, tasks and timers, one at a time. Owned by its thread, too: it goes on until
// Close(), after which there must be no operations and no timers any more.
class EventThread {
 public:
  // What is run when an operation is over.
  using Tag = std::function<void(bool ok)>;
  using Task = std::function<void()>;
  // 0 is none.
  using TimerId = uint64_t;

  static std::shared_ptr<EventThread> Start();
  EventThread(const EventThread&) = delete;
  EventThread& operator=(const EventThread&) = delete;

  // For operations whose tags point to a Tag; to be started on this thread.
  grpc::CompletionQueue* queue() { return &queue_; }
  // To be called before an operation is started: tells ThreadSanitizer that the one that follows finds what was
  // written.
  void Starting();

  // Runs it on this thread, soon; drops it if that has ended. On any thread.
  void Post(Task task) ABSL_LOCKS_EXCLUDED(mu_);
  // Lets the thread end, and waits for that unless called on it. Once.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // On this thread only.
  TimerId SetTimer(Deadline at, Task task);
  void CancelTimer(TimerId* timer);

 private:
  EventThread() = default;

  void Run();
  // False when the thread is to end.
  bool RunTasks() ABSL_LOCKS_EXCLUDED(mu_);
  void RunTimers();
  void RunNext();

  grpc::CompletionQueue queue_;
  std::thread thread_;
  grpc::Alarm alarm_;
  Tag on_wake_ = [this](bool) { OnWake(); };
  void OnWake() ABSL_LOCKS_EXCLUDED(mu_);

  using Timers = std::multimap<Deadline, std::pair<TimerId, Task>>;
  Timers timers_;
  std::map<TimerId, Timers::iterator> timers_by_id_;
  TimerId last_timer_ = 0;

  Mutex mu_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(mu_);
  // The alarm is set, or about to be.
  bool waking_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_EVENT_THREAD_H_
