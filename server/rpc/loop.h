#ifndef NMQ_SERVER_RPC_LOOP_H_
#define NMQ_SERVER_RPC_LOOP_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "server/queue/subscriber.h"
#include "server/rpc/drain_plan.h"
#include "server/rpc/intake.h"
#include "server/rpc/method_table.h"

namespace nmq::rpc {

// A call that lasts, so that the server can end it. Used on the loop's thread only.
class Stream {
 public:
  virtual ~Stream() = default;
  // The server stops, and asks the stream to leave as planned.
  virtual void Drain(const DrainPlan& plan) = 0;
  // The server ends the stream now.
  virtual void End(const absl::Status& status) = 0;
  // What callers may do has changed: ends if its caller may not have it any more.
  virtual void CheckAccess() {}
  // Hardly any memory is left: lets go of what the client may never take.
  virtual void OnMemoryCritical() {}
};

// One thread and the calls that came to it. Each turn it first takes what has arrived, then lets those subscriptions
// write that have something to say: so what gathers while it is busy goes out together. How it waits, and for what, is
// its transport's.
//
// Start, Join, Shutdown, Post, Wake, HoldAsleep, Release and stream_count may be called from any thread, the others
// only on the loop's own. Who answers calls later keeps the loop alive; what is posted to one that has ended is
// forgotten.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  // The memory for requests and for messages on their way out.
  struct Memory {
    MemoryBudget* incoming;
    MemoryBudget* outgoing;
  };

  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  broker::Lane* lane() const { return lane_; }
  const Clock& clock() const { return *clock_; }
  Intake& intake() { return intake_; }
  MemoryBudget& outgoing() { return *outgoing_; }
  // What it serves. Complete before Start.
  MethodTable& methods() { return methods_; }

  void Start();
  // Lets the loop end, after the transport; the calls that are left end with it.
  virtual void Shutdown() = 0;
  // Waits for the end.
  void Join();
  // Whether this is the loop's thread.
  bool IsCurrent() const;

  // Runs `task` on the loop, soon.
  void Post(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mu_);
  // Makes the loop take a turn.
  void Wake();
  // True if the loop sleeps, and its exchanges may be finished on this thread: the caller does that, and calls Release.
  // Until then the loop does not end.
  virtual bool HoldAsleep() { return false; }
  virtual void Release() {}

  // Calls `task` in the next turn, after events.
  void Again(std::function<void()> task) { again_.push_back(std::move(task)); }

  // Calls `on_time` once, at `time` of the monotonic clock or a little later. Each timer is set once at a time.
  class Timer {
   public:
    // `on_time` captures its owner, and no more: idle streams have several timers each.
    template <typename OnTime>
    explicit Timer(OnTime on_time) : call_([](void* owner) { (*static_cast<OnTime*>(owner))(); }) {
      static_assert(sizeof(OnTime) <= sizeof(owner_) && std::is_trivially_copyable_v<OnTime>);
      new (owner_) OnTime(on_time);
    }
    bool set() const { return time_us_ != 0; }

   private:
    friend class Loop;
    void (*const call_)(void*);
    alignas(void*) char owner_[sizeof(void*)];
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

 protected:
  // `lane`, `clock`, `metrics` and the memory must outlive the loop. Before a loop's end come Shutdown and Join.
  Loop(broker::Lane* lane, const Clock* clock, Metrics* metrics, const Memory& memory);

  // What a transport does, once in each turn, on the loop's thread: waits until something arrives, until Interrupt, or
  // for Patience; calls TurnBegins; takes what has arrived. False when the loop is over.
  virtual bool TakeEvents() = 0;
  // Makes TakeEvents return soon. Called once, on any thread, until Interrupted.
  virtual void Interrupt() = 0;
  // What comes last in a turn: whatever was written goes out.
  virtual void EndTurn() = 0;

  // How long the next turn may wait: zero if there is something to do, infinite if nothing is due.
  absl::Duration Patience() const;
  // The wait is over; the turn's length is counted from here.
  void TurnBegins() { turn_begin_ = clock_->Monotonic(); }
  // The interruption has come: the next Wake is one again.
  void Interrupted() { interrupted_.store(false, std::memory_order_release); }
  // From now on nobody interrupts. True if an interruption is still on its way.
  bool StopInterrupts() { return interrupted_.exchange(true, std::memory_order_acq_rel); }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void ServeReady();
  void RunTasks() ABSL_LOCKS_EXCLUDED(mu_);
  void RunTimers();
  void ForgetTasks() ABSL_LOCKS_EXCLUDED(mu_);

  broker::Lane* const lane_;
  const Clock* const clock_;
  Metrics* const metrics_;
  std::thread thread_;
  std::atomic<bool> interrupted_{false};
  std::atomic<size_t> stream_count_{0};
  Mutex mu_;  // a leaf: nothing is locked under it
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool over_ ABSL_GUARDED_BY(mu_) = false;

  // For the loop's thread only.
  bool look_again_ = false;  // there may be tasks, or something in the lane, that were not there when this turn looked
  absl::Duration turn_begin_;
  Intake intake_;
  MemoryBudget* const outgoing_;
  MethodTable methods_;
  absl::flat_hash_set<Stream*> streams_;
  absl::btree_set<std::pair<int64_t, Timer*>> timers_;
  std::vector<std::function<void()>> again_;
  std::vector<broker::Subscriber*> ready_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_LOOP_H_
