#include "server/log/audience.h"

namespace nmq::log {
namespace {

constexpr size_t kHeaderBytes = 5;
constexpr char kEveryone = 1;
constexpr char kExpires = 2;

void Store(uint64_t number, int bytes, char* out) {
  for (int i = 0; i < bytes; ++i) out[i] = static_cast<char>(number >> (8 * i));
}

uint64_t Load(const char* in, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; ++i) number |= static_cast<uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  return number;
}

}  // namespace

std::string EncodeAudience(const Audience& audience) {
  const bool expires = audience.expire_us != 0;
  const size_t count = audience.targets.size() + audience.excepts.size() + (expires ? 1 : 0);
  std::string bytes(kHeaderBytes + 8 * count, '\0');
  char* out = bytes.data();
  *out++ = static_cast<char>((audience.everyone ? kEveryone : 0) | (expires ? kExpires : 0));
  Store(audience.targets.size(), 4, out);
  out += 4;
  if (expires) {
    Store(static_cast<uint64_t>(audience.expire_us), 8, out);
    out += 8;
  }
  for (const auto* numbers : {&audience.targets, &audience.excepts}) {
    for (uint64_t number : *numbers) {
      Store(number, 8, out);
      out += 8;
    }
  }
  return bytes;
}

bool DecodeAudience(absl::string_view bytes, Audience* audience) {
  if (bytes.size() < kHeaderBytes || (bytes.size() - kHeaderBytes) % 8 != 0) return false;
  const size_t targets = Load(bytes.data() + 1, 4);
  audience->everyone = (bytes[0] & kEveryone) != 0;
  const bool expires = (bytes[0] & kExpires) != 0;
  bytes.remove_prefix(kHeaderBytes);
  audience->expire_us = 0;
  if (expires) {
    if (bytes.empty()) return false;
    audience->expire_us = static_cast<int64_t>(Load(bytes.data(), 8));
    bytes.remove_prefix(8);
  }
  const size_t numbers = bytes.size() / 8;
  if (targets > numbers) return false;
  audience->targets.clear();
  audience->excepts.clear();
  for (size_t i = 0; i < numbers; ++i) {
    const uint64_t number = Load(bytes.data() + 8 * i, 8);
    (i < targets ? audience->targets : audience->excepts).push_back(number);
  }
  return true;
}

}  // namespace nmq::log
