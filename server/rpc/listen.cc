#include "server/rpc/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

constexpr int kPortMax = 65535;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// What `address`, which is HOST:PORT, is looked up as; null, and why, if it cannot be.
Addresses LookUp(const std::string& address, int* error) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  *error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  return Addresses(*error == 0 ? found : nullptr, &freeaddrinfo);
}

bool IsLoopback(const addrinfo& address) {
  if (address.ai_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.ai_addr);
    return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  if (address.ai_family != AF_INET6) return false;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.ai_addr)->sin6_addr;
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

bool IsWildcard(const addrinfo& address) {
  if (address.ai_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(address.ai_addr)->sin_addr.s_addr == htonl(INADDR_ANY);
  }
  return address.ai_family == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(address.ai_addr)->sin6_addr);
}

// A place to listen at.
struct Place {
  sockaddr_storage address = {};
  socklen_t length = 0;

  int family() const { return address.ss_family; }
  // Where the port is, in the order of the network.
  in_port_t* port() {
    return family() == AF_INET6 ? &reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                : &reinterpret_cast<sockaddr_in*>(&address)->sin_port;
  }
};

Place PlaceOf(const addrinfo& address) {
  Place place;
  memcpy(&place.address, address.ai_addr, address.ai_addrlen);
  place.length = address.ai_addrlen;
  return place;
}

// Any address of either family.
Place Anywhere(in_port_t port) {
  sockaddr_in6 any = {};
  any.sin6_family = AF_INET6;
  any.sin6_port = port;
  Place place;
  memcpy(&place.address, &any, sizeof(any));
  place.length = sizeof(any);
  return place;
}

// The socket; -1, and errno says why, if it cannot listen there. `both` is for either family.
int ListenAt(const Place& place, bool both) {
  const int fd = socket(place.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const int only = both ? 0 : 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (place.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
  const auto* address = reinterpret_cast<const sockaddr*>(&place.address);
  if (bind(fd, address, place.length) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

absl::Status CannotListen(const std::string& address, const std::string& why) {
  return Unavailable("CANNOT_LISTEN", absl::StrCat("cannot listen on ", address, ": ", why), absl::ZeroDuration());
}

std::string Explain(int error) {
  std::string why = strerror(error);
  if (error == EADDRINUSE) why += "; another nmqd, perhaps? Choose another address with --listen";
  if (error == EACCES) why += "; ports below 1024 need rights, choose another with --listen";
  if (error == EADDRNOTAVAIL) why += "; this machine does not have that address, choose another with --listen";
  return why;
}

int PortOf(int fd) {
  Place place;
  place.length = sizeof(place.address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&place.address), &place.length) != 0) return 0;
  return ntohs(*place.port());
}

}  // namespace

absl::Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > kPortMax) {
    return InvalidArgument("listen", absl::StrCat(Quote(address), " is not HOST:PORT with a port of 0 to ", kPortMax));
  }
  return absl::OkStatus();
}

bool IsLoopback(const std::string& address) {
  int error = 0;
  const Addresses found = LookUp(address, &error);
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    if (!IsLoopback(*at)) return false;
  }
  return true;
}

absl::StatusOr<Listening> Listen(const std::string& address) {
  int lookup = 0;
  const Addresses found = LookUp(address, &lookup);
  if (found == nullptr) return CannotListen(address, gai_strerror(lookup));
  Listening listening = {{}, 0};
  int error = 0;
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    Place place = PlaceOf(*at);
    if (listening.port != 0) *place.port() = htons(static_cast<uint16_t>(listening.port));
    int fd = -1;
    // A machine without IPv6 has the address of IPv4 only.
    if (IsWildcard(*at)) fd = ListenAt(Anywhere(*place.port()), /*both=*/true);
    const bool everywhere = fd >= 0;
    if (fd < 0) fd = ListenAt(place, /*both=*/false);
    if (fd < 0 && error == 0) error = errno;
    if (fd < 0) continue;
    listening.sockets.push_back(fd);
    listening.port = PortOf(fd);
    if (everywhere) break;
  }
  if (listening.sockets.empty()) return CannotListen(address, Explain(error));
  return listening;
}

}  // namespace nmq::rpc
