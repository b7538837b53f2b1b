#include "tests/bench/peers/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

constexpr timeval kPatience = {.tv_sec = 20, .tv_usec = 0};

bool ParseAddress(const std::string& text, sockaddr_in* address) {
  const size_t colon = text.rfind(':');
  uint32_t port;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port > UINT16_MAX) return false;
  *address = {};
  address->sin_family = AF_INET;
  address->sin_port = htons(static_cast<uint16_t>(port));
  return inet_pton(AF_INET, text.substr(0, colon).c_str(), &address->sin_addr) == 1;
}

absl::Status SystemError(absl::string_view what) {
  if (errno == EAGAIN) return absl::DeadlineExceededError(absl::StrCat(what, ": nothing happens"));
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

}  // namespace

absl::StatusOr<Socket> Socket::Connect(const std::string& address) {
  sockaddr_in there;
  if (!ParseAddress(address, &there)) return absl::InvalidArgumentError(absl::StrCat(address, " is no HOST:PORT"));
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd_ < 0) return SystemError("socket");
  const int on = 1;
  setsockopt(socket.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(socket.fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  setsockopt(socket.fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (connect(socket.fd_, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0) return SystemError(address);
  return socket;
}

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Socket::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SystemError("send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> Socket::Read(char* buffer, size_t size) {
  while (true) {
    const ssize_t received = recv(fd_, buffer, size, 0);
    if (received > 0) return static_cast<size_t>(received);
    if (received == 0) return absl::UnavailableError("the server closed the connection");
    if (errno != EINTR) return SystemError("receive");
  }
}

absl::StatusOr<size_t> Socket::ReadWhatIsThere(char* buffer, size_t size) {
  const ssize_t received = recv(fd_, buffer, size, MSG_DONTWAIT);
  if (received > 0) return static_cast<size_t>(received);
  if (received == 0) return absl::UnavailableError("the server closed the connection");
  if (errno == EINTR || errno == EAGAIN) return size_t{0};
  return SystemError("receive");
}

}  // namespace nmq::bench
