// gRPC's protocol over HTTP/2 as its PROTOCOL-HTTP2 page says: what is in headers and trailers. Pure functions.
#ifndef NMQ_SERVER_HTTP2_WIRE_H_
#define NMQ_SERVER_HTTP2_WIRE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq::http2 {

// What can be read, for `grpc-accept-encoding`.
inline constexpr char kAcceptedEncodings[] = "identity,deflate,gzip";

// The value of `grpc-timeout`: up to 8 digits and a unit; none if it is anything else.
std::optional<absl::Duration> ParseTimeout(absl::string_view value);

// Whether requests of this `content-type` are gRPC's with messages of Protocol Buffers.
bool IsGrpc(absl::string_view content_type);

// How compressed messages are compressed; others are not, whatever it is.
enum class Encoding { kIdentity, kDeflate, kGzip };
// The value of `grpc-encoding`, empty if there is none. UNIMPLEMENTED for an unknown one.
absl::StatusOr<Encoding> ParseEncoding(absl::string_view value);

// Text as `grpc-message` has it.
std::string PercentEncode(absl::string_view text);

// Bytes as a header has them whose name ends in -bin, without padding.
std::string EncodeBinary(absl::string_view bytes);
// Padded or not; none if it is not Base64.
std::optional<std::string> DecodeBinary(absl::string_view value);

// The trailers that say how a call ended.
using Headers = std::vector<std::pair<std::string, std::string>>;
Headers StatusTrailers(const absl::Status& status);
// The answer, which has nothing more, to a request whose headers have more than `bytes_max`; its status tells those who
// do not speak gRPC, too.
Headers HeadersTooLarge(uint32_t bytes_max);

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_WIRE_H_
