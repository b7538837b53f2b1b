#ifndef NMQ_SERVER_HTTP2_WINDOW_POOL_H_
#define NMQ_SERVER_HTTP2_WINDOW_POOL_H_

#include <algorithm>
#include <cstdint>

namespace nmq::http2 {

// Bytes by which the windows of streams may exceed what every stream has. A wide window lets a busy publisher send
// batches without waiting for each to be taken; the peer may fill it at any time, so all of them together are bounded.
// The first get the most, and no one all. For one thread at a time.
class WindowPool {
 public:
  // A pool in a larger one, which must outlive it, or null: what is taken of it is taken of both.
  WindowPool(int64_t bytes, WindowPool* larger) : free_(bytes), larger_(larger) {}
  WindowPool(const WindowPool&) = delete;
  WindowPool& operator=(const WindowPool&) = delete;

  int64_t free() const { return larger_ == nullptr ? free_ : std::min(free_, larger_->free()); }
  // Takes what the next stream gets: nothing if it would not be worth it.
  int64_t Take() {
    const int64_t part = std::min(kBytesMax, free() / kPart);
    if (part < kBytesMin) return 0;
    Add(-part);
    return part;
  }
  void GiveBack(int64_t bytes) { Add(bytes); }

 private:
  static constexpr int64_t kBytesMax = 1 << 20;
  static constexpr int64_t kBytesMin = 16 << 10;
  static constexpr int64_t kPart = 4;

  void Add(int64_t bytes) {
    free_ += bytes;
    if (larger_ != nullptr) larger_->Add(bytes);
  }

  int64_t free_;
  WindowPool* const larger_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_WINDOW_POOL_H_
