#include "tests/bench/harness/payload.h"

#include <algorithm>
#include <cstring>

namespace nmq::bench {
namespace {

constexpr int kNumberBits = 48;

}  // namespace

void WriteStamp(const Stamp& stamp, char* out) {
  const uint64_t who = static_cast<uint64_t>(stamp.publisher) << kNumberBits | stamp.number;
  std::memcpy(out, &stamp.time, sizeof(stamp.time));
  std::memcpy(out + sizeof(stamp.time), &who, sizeof(who));
}

bool ReadStamp(absl::string_view payload, Stamp* stamp) {
  if (payload.size() < kStampBytes) return false;
  uint64_t who;
  std::memcpy(&stamp->time, payload.data(), sizeof(stamp->time));
  std::memcpy(&who, payload.data() + sizeof(stamp->time), sizeof(who));
  stamp->publisher = static_cast<uint16_t>(who >> kNumberBits);
  stamp->number = who & ((uint64_t{1} << kNumberBits) - 1);
  return true;
}

std::string MakePayload(const Stamp& stamp, int bytes) {
  std::string payload(std::max(static_cast<size_t>(bytes), kStampBytes), 'x');
  WriteStamp(stamp, payload.data());
  return payload;
}

bool OrderCheck::Heard(const Stamp& stamp) {
  if (stamp.publisher >= next_.size()) next_.resize(stamp.publisher + size_t{1});
  uint64_t& next = next_[stamp.publisher];
  const bool good = whole_ ? stamp.number == next : stamp.number >= next;
  next = stamp.number + 1;
  return good;
}

}  // namespace nmq::bench
