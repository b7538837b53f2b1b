#include "server/log/audience.h"

#include "server/log/little_endian.h"

namespace nmq::log {
namespace {

constexpr size_t kFixedBytes = 5;
constexpr char kEveryone = 1;
constexpr char kExpires = 2;

}  // namespace

std::string EncodeAudience(const Audience& audience) {
  const bool expires = audience.expire_us != 0;
  const size_t count = audience.targets.size() + audience.excepts.size() + (expires ? 1 : 0);
  std::string bytes(kFixedBytes + 8 * count, '\0');
  char* out = bytes.data();
  *out++ = static_cast<char>((audience.everyone ? kEveryone : 0) | (expires ? kExpires : 0));
  PutLittle(static_cast<uint32_t>(audience.targets.size()), out);
  out += 4;
  if (expires) {
    PutLittle(static_cast<uint64_t>(audience.expire_us), out);
    out += 8;
  }
  for (const auto* numbers : {&audience.targets, &audience.excepts}) {
    for (uint64_t number : *numbers) {
      PutLittle(number, out);
      out += 8;
    }
  }
  return bytes;
}

bool DecodeAudience(absl::string_view bytes, Audience* audience) {
  if (bytes.size() < kFixedBytes || (bytes.size() - kFixedBytes) % 8 != 0) return false;
  if ((bytes[0] & ~(kEveryone | kExpires)) != 0) return false;
  const size_t targets = GetLittle<uint32_t>(bytes.data() + 1);
  audience->everyone = (bytes[0] & kEveryone) != 0;
  const bool expires = (bytes[0] & kExpires) != 0;
  bytes.remove_prefix(kFixedBytes);
  audience->expire_us = 0;
  if (expires) {
    if (bytes.empty()) return false;
    audience->expire_us = static_cast<int64_t>(GetLittle<uint64_t>(bytes.data()));
    if (audience->expire_us == 0) return false;
    bytes.remove_prefix(8);
  }
  const size_t numbers = bytes.size() / 8;
  if (targets > numbers) return false;
  audience->targets.clear();
  audience->excepts.clear();
  for (size_t i = 0; i < numbers; ++i) {
    const uint64_t number = GetLittle<uint64_t>(bytes.data() + 8 * i);
    (i < targets ? audience->targets : audience->excepts).push_back(number);
  }
  return true;
}

}  // namespace nmq::log
