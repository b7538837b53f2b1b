#include "server/log/audience.h"

namespace nmq::log {
namespace {

constexpr size_t kHeaderBytes = 5;

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
  std::string bytes(kHeaderBytes + 8 * (audience.targets.size() + audience.excepts.size()), '\0');
  char* out = bytes.data();
  *out++ = audience.everyone ? 1 : 0;
  Store(audience.targets.size(), 4, out);
  out += 4;
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
  const size_t numbers = (bytes.size() - kHeaderBytes) / 8;
  const size_t targets = Load(bytes.data() + 1, 4);
  if (targets > numbers) return false;
  audience->everyone = bytes[0] != 0;
  audience->targets.clear();
  audience->excepts.clear();
  for (size_t i = 0; i < numbers; ++i) {
    const uint64_t number = Load(bytes.data() + kHeaderBytes + 8 * i, 8);
    (i < targets ? audience->targets : audience->excepts).push_back(number);
  }
  return true;
}

}  // namespace nmq::log
