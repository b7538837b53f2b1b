#ifndef NMQ_SERVER_NAMESPACE_EPOCHS_H_
#define NMQ_SERVER_NAMESPACE_EPOCHS_H_

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace nmq::broker {

// Gives epochs: the time in microseconds since 1970, and never the same twice. Thread-safe.
class Epochs {
 public:
  // `clock` must outlive this.
  explicit Epochs(const Clock* clock) : clock_(clock) {}

  uint64_t Next();

 private:
  const Clock* const clock_;
  std::atomic<uint64_t> last_{0};
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_EPOCHS_H_
