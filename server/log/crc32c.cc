#include "server/log/crc32c.h"

#include <array>
#include <cstddef>

namespace nmq::log {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr uint32_t kMaskDelta = 0xa282ead8;
constexpr size_t kStepBytes = 8;

using ByteTable = std::array<uint32_t, 256>;

// tables[i][byte]: what `byte` makes of the CRC when i more bytes follow it. So a step takes 8 bytes at once, which
// counts where logs of 64 MiB are looked through before a start.
constexpr std::array<ByteTable, kStepBytes> kTables = [] {
  std::array<ByteTable, kStepBytes> tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][i] = crc;
  }
  for (size_t step = 1; step < kStepBytes; ++step) {
    for (uint32_t i = 0; i < 256; ++i) {
      tables[step][i] = tables[step - 1][i] >> 8 ^ tables[0][tables[step - 1][i] & 0xff];
    }
  }
  return tables;
}();

uint32_t ByteAt(absl::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint32_t Word(absl::string_view bytes, size_t at) {
  return ByteAt(bytes, at) | ByteAt(bytes, at + 1) << 8 | ByteAt(bytes, at + 2) << 16 | ByteAt(bytes, at + 3) << 24;
}

}  // namespace

uint32_t MaskedCrc32c(absl::string_view bytes) {
  uint32_t crc = ~0u;
  size_t at = 0;
  for (; at + kStepBytes <= bytes.size(); at += kStepBytes) {
    const uint32_t low = crc ^ Word(bytes, at);
    const uint32_t high = Word(bytes, at + 4);
    crc = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^ kTables[4][low >> 24] ^
          kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^ kTables[1][high >> 16 & 0xff] ^
          kTables[0][high >> 24];
  }
  for (; at < bytes.size(); ++at) crc = crc >> 8 ^ kTables[0][(crc ^ ByteAt(bytes, at)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + kMaskDelta;
}

}  // namespace nmq::log
