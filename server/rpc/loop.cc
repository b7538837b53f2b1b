#include "server/rpc/loop.h"

#include <algorithm>

#include "server/queue/ready.h"

namespace nmq::rpc {
namespace {

thread_local const Loop* current_loop = nullptr;

}  // namespace

Loop::Loop(broker::Lane* lane, const Clock* clock, Metrics* metrics, const Memory& memory)
    : lane_(lane),
      clock_(clock),
      metrics_(metrics),
      intake_(memory.incoming, clock, metrics, [this] { Post([this] { intake_.Continue(); }); }),
      outgoing_(memory.outgoing) {
  lane_->set_wake([this] { Wake(); });
}

void Loop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Loop::Join() {
  if (thread_.joinable()) thread_.join();
}

bool Loop::IsCurrent() const { return current_loop == this; }

void Loop::Post(std::function<void()> task) {
  {
    MutexLock lock(&mu_);
    if (over_) return;
    tasks_.push_back(std::move(task));
  }
  Wake();
}

void Loop::Wake() {
  if (IsCurrent()) {
    look_again_ = true;
    return;
  }
  if (!interrupted_.exchange(true, std::memory_order_acq_rel)) Interrupt();
}

void Loop::SetTimer(Timer* timer, absl::Duration time) {
  CancelTimer(timer);
  timer->time_us_ = std::max<int64_t>(1, absl::ToInt64Microseconds(time));
  timers_.insert({timer->time_us_, timer});
}

void Loop::CancelTimer(Timer* timer) {
  if (!timer->set()) return;
  timers_.erase({timer->time_us_, timer});
  timer->time_us_ = 0;
}

void Loop::AddStream(Stream* stream) {
  streams_.insert(stream);
  stream_count_.store(streams_.size(), std::memory_order_release);
}

void Loop::RemoveStream(Stream* stream) {
  streams_.erase(stream);
  stream_count_.store(streams_.size(), std::memory_order_release);
}

absl::Duration Loop::Patience() const {
  if (look_again_ || !again_.empty()) return absl::ZeroDuration();
  if (timers_.empty()) return absl::InfiniteDuration();
  const int64_t wait_us = timers_.begin()->first - absl::ToInt64Microseconds(clock_->Monotonic());
  // A little late, so that timers that are due together come together.
  return absl::Microseconds(std::max<int64_t>(0, wait_us) + 1000);
}

void Loop::ServeReady() {
  broker::TakeReady(lane_, &ready_);
  for (broker::Subscriber* subscription : ready_) {
    subscription->owner()->BeforeReady();
    subscription->PrefetchCursor();
  }
  for (broker::Subscriber* subscription : ready_) {
    subscription->ClearReady();
    subscription->owner()->OnReady();
  }
  ready_.clear();
}

void Loop::RunTasks() {
  look_again_ = false;
  std::vector<std::function<void()>> tasks;
  {
    MutexLock lock(&mu_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
  tasks.clear();
  tasks.swap(again_);
  for (const auto& task : tasks) task();
}

void Loop::RunTimers() {
  const int64_t now_us = absl::ToInt64Microseconds(clock_->Monotonic());
  while (!timers_.empty() && timers_.begin()->first <= now_us) {
    Timer* timer = timers_.begin()->second;
    CancelTimer(timer);
    timer->call_(timer->owner_);
  }
}

void Loop::Run() {
  current_loop = this;
  while (TakeEvents()) {
    RunTasks();
    ServeReady();
    RunTimers();
    EndTurn();
    metrics_->ObserveTurn(clock_->Monotonic() - turn_begin_);
  }
  // What calls that the end left have still to do.
  do {
    RunTasks();
  } while (!again_.empty());
  EndTurn();
  ForgetTasks();
}

// A task may keep the loop, which would keep the task.
void Loop::ForgetTasks() {
  std::vector<std::function<void()>> tasks;
  MutexLock lock(&mu_);
  over_ = true;
  tasks.swap(tasks_);
}

}  // namespace nmq::rpc
