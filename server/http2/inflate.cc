#include "server/http2/inflate.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::http2 {
namespace {

// zlib finds out by itself which of its formats it is.
constexpr int kAnyFormat = 15 + 32;
constexpr size_t kPieceBytes = 16 << 10;

absl::Status Broken() { return InvalidArgument("request", "a compressed message cannot be decompressed"); }
absl::Status NotBegun() { return absl::InternalError("zlib cannot begin"); }

}  // namespace

Inflation::Inflation(absl::string_view bytes) : bytes_(bytes) {
  begun_ = inflateInit2(&z_, kAnyFormat) == Z_OK;
  Rewind();
}

Inflation::~Inflation() {
  if (begun_) inflateEnd(&z_);
}

void Inflation::Rewind() {
  if (begun_) inflateReset(&z_);
  z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data()));
  z_.avail_in = static_cast<uInt>(bytes_.size());
}

int Inflation::Fill(char* to, size_t size) {
  z_.next_out = reinterpret_cast<Bytef*>(to);
  z_.avail_out = static_cast<uInt>(size);
  return inflate(&z_, Z_NO_FLUSH);
}

absl::StatusOr<std::optional<uint64_t>> Inflation::Measure(uint64_t bytes_max) {
  if (!begun_) return NotBegun();
  // Always the same place.
  char piece[kPieceBytes];
  for (size_t step = 0; step < kStepBytes; step += kPieceBytes) {
    const int result = Fill(piece, kPieceBytes);
    size_ += kPieceBytes - z_.avail_out;
    if (size_ > bytes_max) {
      return ResourceExhausted(
          kReasonLimitExceeded,
          absl::StrCat("a compressed message holds more than the ", bytes_max, " bytes that a message may have"),
          absl::ZeroDuration(), {{"bound", absl::StrCat(bytes_max)}});
    }
    if (result == Z_STREAM_END) {
      if (z_.avail_in > 0) return Broken();
      Rewind();
      return size_;
    }
    // Without progress although there was room, the rest is missing.
    if (result != Z_OK || (z_.avail_in == 0 && z_.avail_out > 0)) return Broken();
  }
  return std::nullopt;
}

absl::StatusOr<bool> Inflation::Give(char* to, size_t size) {
  if (!begun_) return NotBegun();
  char none;
  const size_t left = size - z_.total_out;
  const int result = Fill(left > 0 ? to + z_.total_out : &none, std::min(left, kStepBytes));
  if (left > kStepBytes) {
    if (result == Z_OK && z_.avail_out == 0) return false;
    return Broken();
  }
  // zlib may see the end only when it is asked once more.
  if (z_.avail_out > 0 || (result != Z_STREAM_END && Fill(&none, 0) != Z_STREAM_END)) return Broken();
  return true;
}

}  // namespace nmq::http2
