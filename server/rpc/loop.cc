#include "server/rpc/loop.h"

#include <algorithm>
#include <thread>

#include "grpc/support/time.h"
#include "server/queue/ready.h"

namespace nmq::rpc {
namespace {

// Events taken in one turn before subscriptions get to write.
constexpr int kEventsMax = 256;
// Looks for further events that may be in vain.
constexpr int kLooksMax = 16;

thread_local const Loop* current_loop = nullptr;

}  // namespace

Loop::Loop(std::unique_ptr<grpc::ServerCompletionQueue> queue, broker::Lane* lane, const Clock* clock, Metrics* metrics,
           const Memory& memory)
    : queue_(std::move(queue)),
      lane_(lane),
      clock_(clock),
      metrics_(metrics),
      connections_(clock),
      intake_(memory.incoming, clock, [this] { Post([this] { intake_.Continue(); }); }),
      outgoing_(memory.outgoing) {
  lane_->set_wake([this] { Wake(); });
}

Loop::~Loop() { Join(); }

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
    tasks_.push_back(std::move(task));
  }
  Wake();
}

void Loop::Wake() {
  if (IsCurrent()) {
    look_again_ = true;
    return;
  }
  if (alarm_set_.exchange(true, std::memory_order_acq_rel)) return;
  alarm_.Set(queue_.get(), gpr_time_0(GPR_CLOCK_MONOTONIC), &woken_event_);
}

void Loop::Woken(bool) {
  if (accepting_) {
    alarm_set_.store(false, std::memory_order_release);
  } else {
    queue_->Shutdown();
  }
}

void Loop::Shutdown() {
  // On the loop's thread, so that nobody asks anything of the queue in between.
  Post([this] {
    accepting_ = false;
    intake_.Close();
    closing_ = true;
    // No longer than it takes to give an answer to gRPC.
    while (holds_ > 0) std::this_thread::yield();
    // From here on nobody sets the alarm. If somebody is about to, the queue must live until it has rung.
    if (!alarm_set_.exchange(true, std::memory_order_acq_rel)) queue_->Shutdown();
  });
}

bool Loop::HoldAsleep() {
  if (!asleep_.load(std::memory_order_relaxed)) return false;
  ++holds_;
  if (!closing_) return true;
  --holds_;
  return false;
}

void Loop::Release() { --holds_; }

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

gpr_timespec Loop::Deadline() const {
  if (look_again_ || !again_.empty()) return gpr_time_0(GPR_CLOCK_MONOTONIC);
  if (timers_.empty()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const int64_t wait_us = timers_.begin()->first - absl::ToInt64Microseconds(clock_->Monotonic());
  // A little late, so that timers that are due together come together.
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(std::max<int64_t>(0, wait_us) + 1000, GPR_TIMESPAN));
}

// False when the queue is shut down and empty.
//
// Each look without waiting, gRPC takes care of one socket, and one that brings no event, as a window update does,
// looks like the end. Where many publish, further looks mostly bring further events, and the more a turn takes in, the
// more messages go out in a frame. Where they bring none, there is only one of them.
bool Loop::TakeEvents() {
  void* tag;
  bool ok;
  int vain = 0;
  bool worth = false;  // an event came after a look in vain
  gpr_timespec deadline = Deadline();
  asleep_.store(!look_again_ && again_.empty(), std::memory_order_relaxed);
  for (int events = 0; events < kEventsMax;) {
    const auto status = queue_->AsyncNext(&tag, &ok, deadline);
    asleep_.store(false, std::memory_order_relaxed);
    if (events + vain == 0) turn_begin_ = clock_->Monotonic();
    if (status == grpc::CompletionQueue::SHUTDOWN) return false;
    if (status == grpc::CompletionQueue::GOT_EVENT) {
      static_cast<Event*>(tag)->Proceed(ok);
      ++events;
      worth = worth || vain > 0;
    } else if (events == 0 || ++vain > looks_) {
      break;
    }
    deadline = gpr_time_0(GPR_CLOCK_MONOTONIC);
  }
  if (worth) {
    looks_ = std::min(2 * looks_, kLooksMax);
  } else if (vain > looks_) {
    looks_ = std::max(looks_ / 2, 1);
  }
  return true;
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
    timer->on_time_();
  }
}

void Loop::Run() {
  current_loop = this;
  while (TakeEvents()) {
    RunTasks();
    ServeReady();
    RunTimers();
    connections_.EndTurn();
    metrics_->ObserveTurn(clock_->Monotonic() - turn_begin_);
  }
  connections_.EndTurn();
}

}  // namespace nmq::rpc
