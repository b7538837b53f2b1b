#include "tests/bench/harness/tally.h"

#include "tests/bench/harness/payload.h"

namespace nmq::bench {

Tally::Tally(uint64_t messages) : expected_(messages), heard_((messages + kBits - 1) / kBits) {}

void Tally::Heard(absl::string_view payload) {
  Stamp stamp;
  bool is_new = ReadStamp(payload, &stamp) && stamp.publisher == 0 && stamp.number < expected_;
  if (is_new) {
    const uint64_t bit = uint64_t{1} << (stamp.number % kBits);
    is_new = (heard_[stamp.number / kBits].fetch_or(bit, std::memory_order_relaxed) & bit) == 0;
  }
  (is_new ? messages_ : wrong_).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace nmq::bench
