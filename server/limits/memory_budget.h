#ifndef NMQ_SERVER_LIMITS_MEMORY_BUDGET_H_
#define NMQ_SERVER_LIMITS_MEMORY_BUDGET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// An amount of memory that several parts of the server share: each takes what it is about to use, and gives it back. A
// part that finds too little waits in line. Thread-safe.
class MemoryBudget {
 public:
  // Waits in line, once at a time. It must leave the line before its end.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // The bytes that it waits for are taken for it. Called once, on any thread, under no lock, perhaps before
    // TakeOrWait returns.
    virtual void OnTaken() = 0;

   private:
    friend class MemoryBudget;
    uint64_t bytes_ = 0;
  };

  explicit MemoryBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  uint64_t bytes_max() const { return bytes_max_; }
  uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  bool anyone_waits() const { return waiters_.load() > 0; }

  // Takes the bytes if they are there and nobody waits. Who asks for more than there is at all gets it if nobody else
  // has anything.
  bool TryTake(uint64_t bytes);
  // Puts `waiter` in line for the bytes.
  void Wait(uint64_t bytes, Waiter* waiter) ABSL_LOCKS_EXCLUDED(mu_);
  // Leaves the line. False if it is not in it: OnTaken was called, or is about to be.
  bool Leave(Waiter* waiter) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes what is in use already, whether it is there or not.
  void Take(uint64_t bytes) { taken_.fetch_add(bytes); }
  void GiveBack(uint64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  bool TakeIfThere(uint64_t bytes);
  // Takes for those in line, as long as there is enough for the first.
  void Serve() ABSL_LOCKS_EXCLUDED(mu_);

  const uint64_t bytes_max_;
  std::atomic<uint64_t> taken_{0};
  // Those in line. Whoever gives back does so first and then looks here; whoever comes counts itself first and then
  // looks at what is taken.
  std::atomic<size_t> waiters_{0};
  Mutex mu_;  // a leaf: nothing is locked under it
  std::deque<Waiter*> line_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_MEMORY_BUDGET_H_
