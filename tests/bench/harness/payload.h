#ifndef NMQ_TESTS_BENCH_HARNESS_PAYLOAD_H_
#define NMQ_TESTS_BENCH_HARNESS_PAYLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::bench {

// What the first 16 bytes of every payload say, in the machine's byte order: 8 bytes of time, then 2 of the publisher
// and 6 of the number.
struct Stamp {
  // When the message was handed over, by Now().
  int64_t time = 0;
  uint16_t publisher = 0;
  // 0, 1, 2, ... for each publisher; below 2^48.
  uint64_t number = 0;
};
inline constexpr size_t kStampBytes = 16;

// Writes kStampBytes to `out`.
void WriteStamp(const Stamp& stamp, char* out);
// False if the payload is too short.
bool ReadStamp(absl::string_view payload, Stamp* stamp);

// A payload of that many bytes, at least kStampBytes, with this stamp.
std::string MakePayload(const Stamp& stamp, int bytes);

// Sees whether one subscriber hears every publisher's messages in order. Not thread-safe.
class OrderCheck {
 public:
  // `whole`: it hears all messages of each publisher, so none may be missing between two.
  explicit OrderCheck(bool whole) : whole_(whole) {}

  // False if the message came out of its turn.
  bool Heard(const Stamp& stamp);

 private:
  const bool whole_;
  // By publisher: the number after the last one.
  std::vector<uint64_t> next_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_PAYLOAD_H_
