#include "client/cli/address.h"

#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nmq {
namespace cli {
namespace {

constexpr const char* kSchemes[] = {"dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:"};
constexpr uint32_t kPortMax = 65535;

// Of HOST:PORT, without the port.
bool IsHost(absl::string_view host) {
  if (absl::StartsWith(host, "[")) return absl::EndsWith(host, "]");
  return !host.empty() && !absl::StrContains(host, ":") && !absl::StrContains(host, "/");
}

}  // namespace

std::string WhyNoAddress(absl::string_view server) {
  for (const char* scheme : kSchemes) {
    if (absl::StartsWith(server, scheme)) return "";
  }
  if (absl::StrContains(server, "://"))
    return "write HOST:PORT only, such as 127.0.0.1:50051, and ask for TLS by --tls-ca";
  const size_t colon = server.rfind(':');
  const bool bracket = absl::EndsWith(server, "]");
  if (colon == absl::string_view::npos || bracket) {
    return absl::StrCat("the port is missing: write HOST:PORT, such as ", server.empty() ? "127.0.0.1" : server,
                        ":50051");
  }
  uint32_t port = 0;
  const bool is_port = absl::SimpleAtoi(server.substr(colon + 1), &port) && port > 0 && port <= kPortMax;
  if (is_port && IsHost(server.substr(0, colon))) return "";
  return "write HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051, with a port of 1 to 65535";
}

}  // namespace cli
}  // namespace nmq
