// Random bytes, for ids and secrets. Injected, so that tests decide what comes up.
#ifndef NMQ_BASE_RANDOM_H_
#define NMQ_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace nmq {

// Implementations are thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  // Fills all of `bytes`.
  virtual void Fill(absl::Span<uint8_t> bytes) = 0;
};

// The kernel's generator, fit for secrets. Lives for ever.
Random& SystemRandom();

// From 0 up to 1, without it.
double RandomFraction(Random& random);

// `bytes` random bytes written as a name, of [a-z2-7], 8 characters for 5 bytes, rounded up.
std::string RandomName(Random& random, size_t bytes);

}  // namespace nmq

#endif  // NMQ_BASE_RANDOM_H_
