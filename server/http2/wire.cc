#include "server/http2/wire.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "google/rpc/status.pb.h"

namespace nmq::http2 {
namespace {

constexpr size_t kTimeoutDigitsMax = 8;
// What clients take in a header, with the other trailers: a longer text or longer details are left out.
constexpr size_t kMessageBytesMax = 4 << 10;
constexpr size_t kDetailsBytesMax = 4 << 10;

std::optional<absl::Duration> UnitOf(char letter) {
  switch (letter) {
    case 'H':
      return absl::Hours(1);
    case 'M':
      return absl::Minutes(1);
    case 'S':
      return absl::Seconds(1);
    case 'm':
      return absl::Milliseconds(1);
    case 'u':
      return absl::Microseconds(1);
    case 'n':
      return absl::Nanoseconds(1);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<absl::Duration> ParseTimeout(absl::string_view value) {
  if (value.size() < 2 || value.size() > kTimeoutDigitsMax + 1) return std::nullopt;
  const std::optional<absl::Duration> unit = UnitOf(value.back());
  if (!unit) return std::nullopt;
  int64_t number = 0;
  for (const char digit : value.substr(0, value.size() - 1)) {
    if (!absl::ascii_isdigit(digit)) return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  return number * *unit;
}

bool IsGrpc(absl::string_view content_type) {
  content_type = absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  return absl::EqualsIgnoreCase(content_type, "application/grpc") ||
         absl::EqualsIgnoreCase(content_type, "application/grpc+proto");
}

absl::StatusOr<Encoding> ParseEncoding(absl::string_view value) {
  if (value.empty() || value == "identity") return Encoding::kIdentity;
  if (value == "gzip") return Encoding::kGzip;
  if (value == "deflate") return Encoding::kDeflate;
  return absl::UnimplementedError(absl::StrCat("grpc-encoding: ", Quote(value), " is not one of ", kAcceptedEncodings));
}

std::string PercentEncode(absl::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      encoded.push_back('%');
      encoded.push_back(kDigits[byte >> 4]);
      encoded.push_back(kDigits[byte & 0xf]);
    }
  }
  return encoded;
}

std::string EncodeBinary(absl::string_view bytes) {
  std::string encoded = absl::Base64Escape(bytes);
  while (!encoded.empty() && encoded.back() == '=') encoded.pop_back();
  return encoded;
}

std::optional<std::string> DecodeBinary(absl::string_view value) {
  std::string bytes;
  if (!absl::Base64Unescape(value, &bytes)) return std::nullopt;
  return bytes;
}

Headers StatusTrailers(const absl::Status& status) {
  Headers trailers = {{"grpc-status", absl::StrCat(static_cast<int>(status.code()))}};
  if (status.ok()) return trailers;
  if (!status.message().empty()) {
    trailers.emplace_back("grpc-message", PercentEncode(status.message().substr(0, kMessageBytesMax)));
  }
  google::rpc::Status details;
  ToProto(status, &details);
  if (details.ByteSizeLong() <= kDetailsBytesMax) {
    trailers.emplace_back("grpc-status-details-bin", EncodeBinary(details.SerializeAsString()));
  }
  return trailers;
}

Headers HeadersTooLarge(uint32_t bytes_max) {
  Headers headers = {{":status", "431"}, {"content-type", "application/grpc"}};
  const std::string why =
      absl::StrCat("the request's headers exceed the limit of ", bytes_max, " bytes; send fewer of them");
  for (auto& trailer : StatusTrailers(absl::ResourceExhaustedError(why))) headers.push_back(std::move(trailer));
  return headers;
}

}  // namespace nmq::http2
