#ifndef NMQ_SERVER_RPC_LOOP_H_
#define NMQ_SERVER_RPC_LOOP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/queue/subscriber.h"
#include "server/rpc/connections.h"
#include "server/rpc/drain_plan.h"
#include "server/rpc/intake.h"

namespace nmq::rpc {

// What a completion queue hands back.
class Event {
 public:
  virtual ~Event() = default;
  // On the loop's thread. `ok` as in grpc::CompletionQueue::Next.
  virtual void Proceed(bool ok) = 0;
};

// An event that calls a member function.
template <typename T>
class MemberEvent final : public Event {
 public:
  MemberEvent(T* self, void (T::*proceed)(bool)) : self_(self), proceed_(proceed) {}
  void Proceed(bool ok) override { (self_->*proceed_)(ok); }

 private:
  T* const self_;
  void (T::*const proceed_)(bool);
};

// A call that lasts, so that the loop can end it. Used on the loop's thread only.
class Stream {
 public:
  virtual ~Stream() = default;
  // The server stops, and asks the stream to leave as planned.
  virtual void Drain(const DrainPlan& plan) = 0;
  // The server ends the stream now.
  virtual void End(const absl::Status& status) = 0;
  // Hardly any memory is left: lets go of what the client may never take.
  virtual void OnMemoryCritical() {}
};

// One thread with one completion queue and the calls that came in through it. Each turn it first takes what has
// arrived, then lets those subscriptions write that have something to say: so what gathers while it is busy goes out
// together.
//
// Start, Join, Shutdown, Post, Wake, HoldAsleep and Release may be called from any thread, the others only on the
// loop's own. Who answers calls later keeps the loop alive; what is posted to one that has ended is forgotten.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  // The memory for requests and for messages on their way out.
  struct Memory {
    MemoryBudget* incoming;
    MemoryBudget* outgoing;
  };
  // `lane`, `clock`, `metrics` and the memory must outlive the loop. Shutdown must come before the loop's end.
  Loop(std::unique_ptr<grpc::ServerCompletionQueue> queue, broker::Lane* lane, const Clock* clock, Metrics* metrics,
       const Memory& memory);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }
  broker::Lane* lane() const { return lane_; }
  const Clock& clock() const { return *clock_; }
  Connections& connections() { return connections_; }
  Intake& intake() { return intake_; }
  MemoryBudget& outgoing() { return *outgoing_; }

  void Start();
  // Shuts the queue down, after the server; the loop ends when it is empty.
  void Shutdown();
  // Waits for the end.
  void Join();
  // Whether this is the loop's thread.
  bool IsCurrent() const;
  // False once the loop shuts down: nothing new may be asked of the queue.
  bool accepting() const { return accepting_; }

  // Runs `task` on the loop, soon.
  void Post(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the loop take a turn.
  void Wake();
  // True if the loop sleeps: then the caller may finish a call on this thread, and calls Release when it has. Until
  // then the queue is not shut down.
  bool HoldAsleep();
  void Release();

  // Calls `task` in the next turn, after events.
  void Again(std::function<void()> task) { again_.push_back(std::move(task)); }

  // Calls `on_time` once, at `time` of the monotonic clock or a little later. Each timer is set once at a time.
  class Timer {
   public:
    explicit Timer(std::function<void()> on_time) : on_time_(std::move(on_time)) {}
    bool set() const { return time_us_ != 0; }

   private:
    friend class Loop;
    std::function<void()> on_time_;
    int64_t time_us_ = 0;
  };
  void SetTimer(Timer* timer, absl::Duration time);
  void CancelTimer(Timer* timer);

  // Streams that are open, from their first to their last event.
  void AddStream(Stream* stream);
  void RemoveStream(Stream* stream);
  // All that are open now; ending one may remove it.
  std::vector<Stream*> streams() const { return std::vector<Stream*>(streams_.begin(), streams_.end()); }
  // Their number, for any thread.
  size_t stream_count() const { return stream_count_.load(std::memory_order_acquire); }

 private:
  void Run();
  bool TakeEvents();
  void ServeReady();
  void RunTasks() ABSL_LOCKS_EXCLUDED(mu_);
  void RunTimers();
  gpr_timespec Deadline() const;
  void Woken(bool ok);

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  broker::Lane* const lane_;
  const Clock* const clock_;
  Metrics* const metrics_;
  std::thread thread_;
  MemberEvent<Loop> woken_event_{this, &Loop::Woken};
  grpc::Alarm alarm_;
  std::atomic<bool> alarm_set_{false};
  std::atomic<size_t> stream_count_{0};
  std::atomic<bool> asleep_{false};  // it may wake at any time
  // Whoever holds counts itself and then looks whether the loop closes; the loop closes and then looks who holds.
  std::atomic<int> holds_{0};
  std::atomic<bool> closing_{false};
  Mutex mu_;  // a leaf: nothing is locked under it
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);

  // For the loop's thread only.
  bool accepting_ = true;
  bool look_again_ = false;  // there may be tasks, or something in the lane, that were not there when this turn looked
  absl::Duration turn_begin_;
  int looks_ = 1;  // for further events that a turn takes in vain
  Connections connections_;
  Intake intake_;
  MemoryBudget* const outgoing_;
  absl::flat_hash_set<Stream*> streams_;
  absl::btree_set<std::pair<int64_t, Timer*>> timers_;
  std::vector<std::function<void()>> again_;
  std::vector<broker::Subscriber*> ready_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_LOOP_H_
