#include "server/http2/inflate.h"

#include <zlib.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::http2 {
namespace {

// zlib finds out by itself which of its formats it is.
constexpr int kAnyFormat = 15 + 32;
constexpr size_t kFirstBytes = 4 << 10;

absl::Status Broken() { return InvalidArgument("request", "a compressed message cannot be decompressed"); }

class Inflation {
 public:
  explicit Inflation(absl::string_view bytes) {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z_.avail_in = static_cast<uInt>(bytes.size());
    begun_ = inflateInit2(&z_, kAnyFormat) == Z_OK;
  }
  ~Inflation() {
    if (begun_) inflateEnd(&z_);
  }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  bool begun() const { return begun_; }
  // Fills what `out` has from `size` on; returns zlib's result.
  int Fill(std::string* out, size_t size) {
    z_.next_out = reinterpret_cast<Bytef*>(out->data() + size);
    z_.avail_out = static_cast<uInt>(out->size() - size);
    return inflate(&z_, Z_NO_FLUSH);
  }
  size_t room() const { return z_.avail_out; }
  size_t left() const { return z_.avail_in; }

 private:
  z_stream z_ = {};
  bool begun_ = false;
};

}  // namespace

absl::StatusOr<std::string> Inflate(absl::string_view bytes, uint64_t bytes_max) {
  Inflation stream(bytes);
  if (!stream.begun()) return absl::InternalError("zlib cannot begin");
  std::string out;
  size_t size = 0;
  while (true) {
    // One byte more than there may be tells whether there are more.
    if (size == out.size()) out.resize(std::min<uint64_t>(std::max(kFirstBytes, 2 * size), bytes_max + 1));
    const int result = stream.Fill(&out, size);
    size = out.size() - stream.room();
    if (size > bytes_max) {
      return ResourceExhausted(
          kReasonLimitExceeded,
          absl::StrCat("a compressed message holds more than the ", bytes_max, " bytes that a message may have"),
          absl::ZeroDuration(), {{"bound", absl::StrCat(bytes_max)}});
    }
    if (result == Z_STREAM_END) break;
    // Without progress although there was room, the rest is missing.
    if (result != Z_OK || (stream.left() == 0 && stream.room() > 0)) return Broken();
  }
  if (stream.left() > 0) return Broken();
  out.resize(size);
  return out;
}

}  // namespace nmq::http2
