#include "server/http2/inflate.h"

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::http2 {
namespace {

// zlib finds out by itself which of its formats it is.
constexpr int kAnyFormat = 15 + 32;
constexpr size_t kPieceBytes = 16 << 10;

absl::Status Broken() { return InvalidArgument("request", "a compressed message cannot be decompressed"); }

class Inflation {
 public:
  explicit Inflation(absl::string_view bytes) : bytes_(bytes) {
    begun_ = inflateInit2(&z_, kAnyFormat) == Z_OK;
    Rewind();
  }
  ~Inflation() {
    if (begun_) inflateEnd(&z_);
  }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  bool begun() const { return begun_; }
  // Begins anew.
  void Rewind() {
    if (begun_) inflateReset(&z_);
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes_.data()));
    z_.avail_in = static_cast<uInt>(bytes_.size());
  }
  // Fills `to`, or as much of it as there is; returns zlib's result.
  int Fill(char* to, size_t size) {
    z_.next_out = reinterpret_cast<Bytef*>(to);
    z_.avail_out = static_cast<uInt>(size);
    return inflate(&z_, Z_NO_FLUSH);
  }
  // Of what Fill was given.
  size_t room() const { return z_.avail_out; }
  size_t left() const { return z_.avail_in; }

 private:
  const absl::string_view bytes_;
  z_stream z_ = {};
  bool begun_ = false;
};

// How many bytes there are; `piece` has the last of them.
absl::StatusOr<size_t> Measure(Inflation* stream, uint64_t bytes_max, char* piece) {
  size_t size = 0;
  while (true) {
    const int result = stream->Fill(piece, kPieceBytes);
    size += kPieceBytes - stream->room();
    if (size > bytes_max) {
      return ResourceExhausted(
          kReasonLimitExceeded,
          absl::StrCat("a compressed message holds more than the ", bytes_max, " bytes that a message may have"),
          absl::ZeroDuration(), {{"bound", absl::StrCat(bytes_max)}});
    }
    if (result == Z_STREAM_END) break;
    // Without progress although there was room, the rest is missing.
    if (result != Z_OK || (stream->left() == 0 && stream->room() > 0)) return Broken();
  }
  if (stream->left() > 0) return Broken();
  return size;
}

}  // namespace

absl::StatusOr<std::string> Inflate(absl::string_view bytes, uint64_t bytes_max) {
  Inflation stream(bytes);
  if (!stream.begun()) return absl::InternalError("zlib cannot begin");
  // Measured first, piece by piece in the same place: fresh memory costs more than zlib, and what is too large or
  // broken gets none.
  char piece[kPieceBytes];
  const absl::StatusOr<size_t> size = Measure(&stream, bytes_max, piece);
  if (!size.ok()) return size.status();
  if (*size <= kPieceBytes) return std::string(piece, *size);
  std::string out(*size, 0);
  stream.Rewind();
  if (stream.Fill(out.data(), out.size()) != Z_STREAM_END || stream.room() > 0) return Broken();
  return out;
}

}  // namespace nmq::http2
