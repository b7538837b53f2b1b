#include "server/log/log_check.h"

#include <array>
#include <cstdint>

namespace nmq::log {
namespace {

// A record: checksum of type and data (4 bytes), length of the data (2), type (1), data. Numbers are little-endian.
constexpr size_t kHeaderBytes = 7;
constexpr size_t kLengthAt = 4;
constexpr size_t kTypeAt = 6;
constexpr uint8_t kTypeMax = 4;  // a whole record, its first, middle or last part

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    table[i] = crc;
  }
  return table;
}();

// CRC-32C in the form in which the logs have it.
uint32_t Checksum(absl::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

uint8_t ByteAt(absl::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

size_t LengthAt(absl::string_view block, size_t at) {
  return ByteAt(block, at + kLengthAt) | static_cast<size_t>(ByteAt(block, at + kLengthAt + 1)) << 8;
}

bool IsWhole(absl::string_view block, size_t at) {
  const size_t length = LengthAt(block, at);
  const uint8_t type = ByteAt(block, at + kTypeAt);
  if (length == 0 || type == 0 || type > kTypeMax || at + kHeaderBytes + length > block.size()) return false;
  uint32_t stored = 0;
  for (size_t i = 0; i < 4; ++i) stored |= static_cast<uint32_t>(ByteAt(block, at + i)) << (8 * i);
  return stored == Checksum(block.substr(at + kTypeAt, 1 + length));
}

}  // namespace

std::optional<size_t> FindDamagedLength(absl::string_view block) {
  size_t at = 0;
  while (at + kHeaderBytes <= block.size() && at + kHeaderBytes + LengthAt(block, at) <= block.size()) {
    at += kHeaderBytes + LengthAt(block, at);
  }
  for (size_t next = at + 1; next + kHeaderBytes <= block.size(); ++next) {
    if (IsWhole(block, next)) return at;
  }
  return std::nullopt;
}

}  // namespace nmq::log
