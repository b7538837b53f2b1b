#include "server/rpc/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::rpc {
namespace {

constexpr int kPortMax = 65535;

// What is wrong with listening on one of the machine's addresses; 0 if nothing.
int TryToListen(const addrinfo& address) {
  const int fd = socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol);
  if (fd < 0) return errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int error = 0;
  if (bind(fd, address.ai_addr, address.ai_addrlen) != 0 || listen(fd, 1) != 0) error = errno;
  close(fd);
  return error;
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

// What `address`, which is HOST:PORT, is looked up as; null, and why, if it cannot be. For freeaddrinfo.
addrinfo* LookUp(const std::string& address, int* error) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  *error = getaddrinfo(host.c_str(), address.substr(colon + 1).c_str(), &hints, &found);
  return *error == 0 ? found : nullptr;
}

}  // namespace

bool IsLoopback(const std::string& address) {
  int error = 0;
  addrinfo* const found = LookUp(address, &error);
  bool loopback = true;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) loopback = loopback && IsLoopback(*at);
  if (found != nullptr) freeaddrinfo(found);
  return loopback;
}

absl::Status CheckAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > kPortMax) {
    return InvalidArgument("listen", absl::StrCat(Quote(address), " is not HOST:PORT with a port of 0 to ", kPortMax));
  }
  return absl::OkStatus();
}

absl::Status ExplainListenFailure(const std::string& address) {
  int lookup = 0;
  addrinfo* const found = LookUp(address, &lookup);
  if (lookup != 0) {
    return Unavailable("CANNOT_LISTEN", absl::StrCat("cannot listen on ", address, ": ", gai_strerror(lookup)),
                       absl::ZeroDuration());
  }
  int error = 0;
  for (const addrinfo* at = found; at != nullptr && error == 0; at = at->ai_next) error = TryToListen(*at);
  freeaddrinfo(found);
  std::string why = error == 0 ? "gRPC does not say why" : strerror(error);
  if (error == EADDRINUSE) why += "; another nmqd, perhaps? Choose another address with --listen";
  if (error == EACCES) why += "; ports below 1024 need rights, choose another with --listen";
  if (error == EADDRNOTAVAIL) why += "; this machine does not have that address, choose another with --listen";
  return Unavailable("CANNOT_LISTEN", absl::StrCat("cannot listen on ", address, ": ", why), absl::ZeroDuration());
}

}  // namespace nmq::rpc
