#include "base/worker.h"

#include <utility>

#include "base/await.h"

namespace nmq {

Worker::Worker() : thread_([this] { Run(); }) {}

Worker::~Worker() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
  }
  changed_.Signal();
  thread_.join();
}

void Worker::Post(std::function<void()> task) {
  {
    MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }
  changed_.Signal();
}

void Worker::Flush() {
  Await<bool>([this](auto done) { Post([done] { done(true); }); });
}

void Worker::Run() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mu_);
      while (tasks_.empty() && !stop_) changed_.Wait(&mu_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace nmq
