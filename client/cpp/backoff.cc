#include "client/cpp/backoff.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"

namespace nmq {
inline namespace client {
namespace internal {

double RandomFraction() {
  thread_local absl::BitGen bits;
  return absl::Uniform(bits, 0.0, 1.0);
}

Backoff::Backoff(const BackoffOptions& options, std::function<double()> random)
    : options_(options), random_(std::move(random)) {
  Reset();
}

absl::Duration Backoff::Next() {
  const absl::Duration delay = bound_ * random_();
  bound_ = std::min(options_.max, bound_ * options_.factor);
  return delay;
}

void Backoff::Reset() { bound_ = std::min(options_.max, options_.initial); }

}  // namespace internal
}  // namespace client
}  // namespace nmq
