// How long to wait before trying again.
#ifndef NMQ_CLIENT_CPP_BACKOFF_H_
#define NMQ_CLIENT_CPP_BACKOFF_H_

#include <functional>

#include "absl/time/time.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {
namespace internal {

// A random number, at least 0 and below 1. Thread-safe.
double RandomFraction();

// Random times below a bound that grows with each attempt ("full jitter"), so that clients that lost the same server
// do not come back all at once. Not thread-safe.
class Backoff {
 public:
  explicit Backoff(const BackoffOptions& options, std::function<double()> random = RandomFraction);

  // The time to wait now; the bound of the next one is larger.
  absl::Duration Next();

  // Starts over.
  void Reset();

 private:
  const BackoffOptions options_;
  const std::function<double()> random_;
  absl::Duration bound_;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_BACKOFF_H_
