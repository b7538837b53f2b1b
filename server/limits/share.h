#ifndef NMQ_SERVER_LIMITS_SHARE_H_
#define NMQ_SERVER_LIMITS_SHARE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace nmq {

// One of those that somebody may have only so many of, such as a connection of an address: it counts as long as this
// lives. Moved, not copied; thread-compatible, while those that have a count in common may be on any threads.
class Share {
 public:
  using Count = std::shared_ptr<std::atomic<uint64_t>>;

  // Counts nothing.
  Share() = default;
  ~Share() { Release(); }
  Share(Share&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Share& operator=(Share&& other) noexcept {
    if (this != &other) {
      Release();
      count_ = std::exchange(other.count_, nullptr);
    }
    return *this;
  }

  // One more, if that makes no more than `max`, where 0 bounds nothing: 0. Otherwise nothing is taken, and the answer
  // is how many it would have made.
  uint64_t Take(Count count, uint64_t max) {
    const uint64_t value = count->fetch_add(1, std::memory_order_relaxed) + 1;
    if (max != 0 && value > max) {
      count->fetch_sub(1, std::memory_order_relaxed);
      return value;
    }
    Release();
    count_ = std::move(count);
    return 0;
  }
  void Release() {
    if (count_ == nullptr) return;
    count_->fetch_sub(1, std::memory_order_relaxed);
    count_ = nullptr;
  }

 private:
  Count count_;
};

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_SHARE_H_
