#ifndef NMQ_SERVER_HTTP2_INFLATE_H_
#define NMQ_SERVER_HTTP2_INFLATE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::http2 {

// What `bytes` holds, compressed with gzip or zlib's format ("deflate"). RESOURCE_EXHAUSTED once there are more than
// `bytes_max`, of which a small piece is held; INVALID_ARGUMENT if it is not whole or something else.
absl::StatusOr<std::string> Inflate(absl::string_view bytes, uint64_t bytes_max);

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_INFLATE_H_
