#ifndef NMQ_TESTS_BENCH_HARNESS_PACER_H_
#define NMQ_TESTS_BENCH_HARNESS_PACER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

namespace nmq::bench {

// Calls a function at an even pace from a thread of its own. A call that comes late is made up for at once.
class Pacer {
 public:
  // Ends by itself after `calls` calls; 0: no bound.
  Pacer(int per_second, uint64_t calls, std::function<void()> call);
  ~Pacer() { Stop(); }
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Makes no call any more, and waits for one that is running. Not by two threads at once.
  void Stop();
  // Calls that were made.
  uint64_t calls() const { return made_.load(std::memory_order_acquire); }

 private:
  void Run(int per_second, uint64_t calls);

  const std::function<void()> call_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> made_{0};
  std::thread thread_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_PACER_H_
