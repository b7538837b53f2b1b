#ifndef NMQ_SERVER_HTTP2_INFLATE_H_
#define NMQ_SERVER_HTTP2_INFLATE_H_

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::http2 {

// Finds out, step by step, how many bytes some bytes hold that are compressed with gzip or zlib's format ("deflate"),
// and then which. First the size: fresh memory costs more than zlib, and what is too large or broken gets none. For one
// thread at a time.
class Inflation {
 public:
  // Of what is inside, in a step.
  static constexpr size_t kStepBytes = 128 << 10;
  // What it takes besides what it gives.
  static constexpr size_t kStateBytes = 48 << 10;

  // `bytes` must outlive it.
  explicit Inflation(absl::string_view bytes);
  ~Inflation();
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;

  // Takes a step: the size, or none if there is more to do. RESOURCE_EXHAUSTED once it is more than `bytes_max`;
  // INVALID_ARGUMENT if the bytes are not whole or something else.
  absl::StatusOr<std::optional<uint64_t>> Measure(uint64_t bytes_max);
  // When it is measured, or from the beginning if `size` is known: takes a step, of which the outcome is put where it
  // belongs in `to`, which has all of `size` bytes; whether that was the last. INVALID_ARGUMENT if `size` is wrong.
  absl::StatusOr<bool> Give(char* to, size_t size);

 private:
  void Rewind();
  int Fill(char* to, size_t size);

  const absl::string_view bytes_;
  z_stream z_ = {};
  bool begun_ = false;
  uint64_t size_ = 0;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_INFLATE_H_
