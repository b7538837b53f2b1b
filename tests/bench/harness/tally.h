#ifndef NMQ_TESTS_BENCH_HARNESS_TALLY_H_
#define NMQ_TESTS_BENCH_HARNESS_TALLY_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::bench {

// Which of one publisher's messages 0, 1, ... were heard, by whomever and in whatever order. Thread-safe.
class Tally {
 public:
  explicit Tally(uint64_t messages);

  // Counts a message by the stamp in its payload (see payload.h).
  void Heard(absl::string_view payload);

  // Different messages.
  uint64_t messages() const { return messages_.load(std::memory_order_relaxed); }
  // What was heard before, has no stamp, or is none of these messages.
  uint64_t wrong() const { return wrong_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kBits = 64;

  const uint64_t expected_;
  // A bit for each message.
  std::vector<std::atomic<uint64_t>> heard_;
  std::atomic<uint64_t> messages_{0};
  std::atomic<uint64_t> wrong_{0};
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_TALLY_H_
