#include "server/log/log_check.h"

#include <algorithm>

#include "server/log/crc32c.h"
#include "server/log/little_endian.h"

namespace nmq::log {
namespace {

// A part of a record: checksum of type and data (4 bytes), length of the data (2), type (1), data. Numbers are
// little-endian.
constexpr size_t kHeaderBytes = 7;
constexpr size_t kLengthAt = 4;
constexpr size_t kTypeAt = 6;
constexpr uint8_t kWhole = 1;
constexpr uint8_t kFirst = 2;
constexpr uint8_t kLast = 4;  // 3 is one between the first and the last

// A record's data begins with the number of its first change (8 bytes) and how many there are (4).
constexpr size_t kChangeBytes = 8;
constexpr size_t kStartBytes = kChangeBytes + 4;
static_assert(kLogStartBytes == kHeaderBytes + kStartBytes);

size_t LengthAt(absl::string_view block, size_t at) { return GetLittle<uint16_t>(&block[at + kLengthAt]); }

uint8_t TypeAt(absl::string_view block, size_t at) { return static_cast<uint8_t>(block[at + kTypeAt]); }

bool IsWhole(absl::string_view block, size_t at) {
  if (at + kHeaderBytes > block.size() || at + kHeaderBytes + LengthAt(block, at) > block.size()) return false;
  if (TypeAt(block, at) < kWhole || TypeAt(block, at) > kLast) return false;
  return GetLittle<uint32_t>(&block[at]) == MaskedCrc32c(block.substr(at + kTypeAt, 1 + LengthAt(block, at)));
}

// Whether there is a whole part, of a type up to `type_max`, anywhere from `at` on. Only at a block's end a part has no
// data.
bool HasWhole(absl::string_view block, size_t at, uint8_t type_max) {
  for (; at + kHeaderBytes <= block.size(); ++at) {
    const bool possible = LengthAt(block, at) > 0 || at + kHeaderBytes == kLogBlockBytes;
    if (possible && TypeAt(block, at) <= type_max && IsWhole(block, at)) return true;
  }
  return false;
}

}  // namespace

std::optional<size_t> FindDamagedLength(absl::string_view block) {
  size_t at = 0;
  while (at + kHeaderBytes <= block.size() && at + kHeaderBytes + LengthAt(block, at) <= block.size()) {
    at += kHeaderBytes + LengthAt(block, at);
  }
  if (HasWhole(block, at + 1, kLast)) return at;
  return std::nullopt;
}

std::optional<uint64_t> FirstChange(absl::string_view start) {
  if (start.size() < kLogStartBytes || (TypeAt(start, 0) != kWhole && TypeAt(start, 0) != kFirst)) return std::nullopt;
  return GetLittle<uint64_t>(&start[kHeaderBytes]);
}

void LogScanner::Add(absl::string_view block) {
  const uint64_t offset = bytes_;
  bytes_ += block.size();
  size_t at = 0;
  for (; IsWhole(block, at) && !damaged_; at += kHeaderBytes + LengthAt(block, at)) {
    const size_t data = at + kHeaderBytes;
    AddPart(TypeAt(block, at), block.substr(data, LengthAt(block, at)), offset + data + LengthAt(block, at));
  }
  // What is too short for a part ends the block.
  if (at == block.size() || (block.size() == kLogBlockBytes && at + kHeaderBytes > block.size())) return;
  broken_ = true;
  damaged_ = damaged_ || HasWhole(block, at + 1, kFirst);
}

void LogScanner::AddPart(uint8_t type, absl::string_view data, uint64_t end) {
  const bool begins = type == kWhole || type == kFirst;
  if (broken_) {
    // More of a record that is not whole is nothing new.
    damaged_ = damaged_ || begins;
    return;
  }
  if (begins) start_.clear();
  start_.append(data.data(), std::min(data.size(), kStartBytes - start_.size()));
  const bool ends = type == kWhole || type == kLast;
  damaged_ = begins == in_record_ || (ends && start_.size() < kStartBytes);
  in_record_ = !ends;
  if (!ends || damaged_) return;
  end_ = end;
  const uint64_t changes = GetLittle<uint32_t>(&start_[kChangeBytes]);
  if (changes > 0) last_change_ = GetLittle<uint64_t>(start_.data()) + changes - 1;
}

}  // namespace nmq::log
