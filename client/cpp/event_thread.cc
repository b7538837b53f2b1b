#include "client/cpp/event_thread.h"

#include "base/grpc_deadline.h"

#ifdef NMQ_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace nmq {
inline namespace client {
namespace internal {

std::shared_ptr<EventThread> EventThread::Start() {
  std::shared_ptr<EventThread> events(new EventThread);
  events->thread_ = std::thread([events] { events->Run(); });
  return events;
}

void EventThread::Starting() {
#ifdef NMQ_THREAD_SANITIZER
  __tsan_release(this);
#endif
}

void EventThread::Post(Task task) {
  {
    MutexLock lock(&mu_);
    if (ended_) return;
    tasks_.push_back(std::move(task));
    if (std::exchange(waking_, true)) return;
  }
  // Nobody else sets it until it has gone off, and the thread does not end before.
  Starting();
  alarm_.Set(&queue_, ToGrpc(Deadline::Over()), &on_wake_);
}

void EventThread::OnWake() {
  MutexLock lock(&mu_);
  waking_ = false;
}

void EventThread::Close() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
  }
  Post([] {});
  if (std::this_thread::get_id() == thread_.get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

EventThread::TimerId EventThread::SetTimer(Deadline at, Task task) {
  if (at.never()) return 0;
  const TimerId timer = ++last_timer_;
  timers_by_id_[timer] = timers_.emplace(at, std::make_pair(timer, std::move(task)));
  return timer;
}

void EventThread::CancelTimer(TimerId* timer) {
  const auto found = timers_by_id_.find(std::exchange(*timer, 0));
  if (found == timers_by_id_.end()) return;
  timers_.erase(found->second);
  timers_by_id_.erase(found);
}

void EventThread::Run() {
  while (RunTasks()) {
    RunTimers();
    RunNext();
  }
  queue_.Shutdown();
  void* tag;
  bool ok;
  while (queue_.Next(&tag, &ok)) {
  }
}

bool EventThread::RunTasks() {
  while (true) {
    std::vector<Task> tasks;
    {
      MutexLock lock(&mu_);
      ended_ = closed_ && !waking_ && tasks_.empty();
      if (tasks_.empty()) return !ended_;
      tasks.swap(tasks_);
    }
    for (const Task& task : tasks) task();
  }
}

void EventThread::RunTimers() {
  // Those that are set meanwhile have their turn after what has arrived.
  const TimerId last = last_timer_;
  while (!timers_.empty() && timers_.begin()->first.IsOver() && timers_.begin()->second.first <= last) {
    const Task task = std::move(timers_.begin()->second.second);
    timers_by_id_.erase(timers_.begin()->second.first);
    timers_.erase(timers_.begin());
    task();
  }
}

void EventThread::RunNext() {
  void* tag;
  bool ok;
  const Deadline until = timers_.empty() ? Deadline::Never() : timers_.begin()->first;
  if (queue_.AsyncNext(&tag, &ok, ToGrpc(until)) != grpc::CompletionQueue::GOT_EVENT) return;
#ifdef NMQ_THREAD_SANITIZER
  __tsan_acquire(this);
#endif
  (*static_cast<Tag*>(tag))(ok);
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
