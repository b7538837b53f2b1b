#ifndef NMQ_TESTS_TESTING_SAME_BYTE_H_
#define NMQ_TESTS_TESTING_SAME_BYTE_H_

#include <algorithm>
#include <cstdint>

#include "absl/types/span.h"
#include "base/random.h"

namespace nmq {

// Randomness of which every byte is the same: 0 gives the least number of a range, 255 the greatest.
class SameByte final : public Random {
 public:
  explicit SameByte(uint8_t byte) : byte_(byte) {}
  void Fill(absl::Span<uint8_t> bytes) override { std::fill(bytes.begin(), bytes.end(), byte_); }

 private:
  const uint8_t byte_;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_SAME_BYTE_H_
