#include "client/cpp/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

// What gRPC takes besides HOST:PORT.
constexpr const char* kSchemes[] = {"dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:"};
constexpr uint32_t kPortDefault = 50051;
constexpr uint32_t kPortMax = 65535;
constexpr char kWanted[] = "write HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051";
// Of a text that is shown.
constexpr size_t kShownMax = 60;

std::string Shown(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCHexEscape(text.substr(0, kShownMax)), text.size() > kShownMax ? "..." : "",
                      "\"");
}

absl::Status No(absl::string_view server, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(Shown(server), ": ", why));
}

bool IsIpv6(absl::string_view text) {
  in6_addr address;
  // The part behind % is the zone.
  return inet_pton(AF_INET6, std::string(text.substr(0, text.find('%'))).c_str(), &address) == 1;
}

bool IsHost(absl::string_view host) {
  if (absl::ConsumePrefix(&host, "[")) return absl::ConsumeSuffix(&host, "]") && IsIpv6(host);
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

absl::StatusOr<std::string> HostAndPort(absl::string_view server, absl::string_view text, uint32_t port_default) {
  std::string host(text);
  std::string port = absl::StrCat(port_default);
  const size_t colon = text.rfind(':');
  if (std::count(text.begin(), text.end(), ':') > 1 && !absl::StartsWith(text, "[")) {
    host = absl::StrCat("[", text, "]");
  } else if (colon != absl::string_view::npos && !absl::EndsWith(text, "]")) {
    host = std::string(text.substr(0, colon));
    port = std::string(text.substr(colon + 1));
  }
  if (!IsHost(host)) return No(server, absl::StrCat("no address; ", kWanted));
  uint32_t number = 0;
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || !absl::SimpleAtoi(port, &number) || number < 1 || number > kPortMax) {
    return No(server, absl::StrCat(Shown(port), " is no port: 1 to ", kPortMax, " is allowed; ", kWanted));
  }
  return absl::StrCat(host, ":", number);
}

}  // namespace

std::string ServerAddress::Text() const { return absl::StrCat(tls ? "https://" : "", target); }

absl::StatusOr<ServerAddress> ParseAddress(absl::string_view server) {
  for (const char* scheme : kSchemes) {
    if (absl::StartsWith(server, scheme)) return ServerAddress{std::string(server)};
  }
  ServerAddress address;
  absl::string_view authority = server;
  uint32_t port_default = kPortDefault;
  const size_t slashes = server.find("://");
  if (slashes != absl::string_view::npos) {
    const std::string scheme = absl::AsciiStrToLower(server.substr(0, slashes));
    if (scheme != "http" && scheme != "https") {
      return No(server, absl::StrCat(Shown(scheme + "://"), " is not known here; ", kWanted));
    }
    address.tls = scheme == "https";
    port_default = address.tls ? 443 : 80;
    authority.remove_prefix(slashes + 3);
    const size_t end = std::min(authority.find_first_of("/?#"), authority.size());
    if (authority.find_first_not_of('/', end) != absl::string_view::npos ||
        absl::StrContains(authority.substr(0, end), "@")) {
      return No(server, absl::StrCat("more than a host and a port; ", kWanted, ", and name the namespace apart"));
    }
    authority = authority.substr(0, end);
  }
  absl::StatusOr<std::string> target = HostAndPort(server, authority, port_default);
  if (!target.ok()) return target.status();
  address.target = *std::move(target);
  return address;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
