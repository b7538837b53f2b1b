#include "server/grpc/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace nmq::rpc {
namespace {

// A look at all sockets takes a microsecond for each few.
constexpr absl::Duration kLookInterval = absl::Milliseconds(200);

// Numbers in a row that are no open file: there are no others behind them.
constexpr int kUnusedMax = 1024;

void SetCork(int socket, int on) { setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)); }

std::string PeerOf(int socket, int* error) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  *error = getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 ? 0 : errno;
  if (*error != 0) return "";
  char text[INET6_ADDRSTRLEN];
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v4.sin_port));
  }
  if (address.ss_family != AF_INET6) return "";
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(v6.sin6_port));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  return absl::StrCat("ipv6:[", text, "]:", ntohs(v6.sin6_port));
}

}  // namespace

std::string PeerOf(int socket) {
  int error;
  return PeerOf(socket, &error);
}

Connections::Connection* Connections::Enter(absl::string_view peer) {
  std::string key = absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}});
  std::unique_ptr<Connection>& connection = connections_[key];
  if (connection == nullptr) {
    connection = std::make_unique<Connection>();
    connection->peer_ = std::move(key);
  }
  ++connection->streams_;
  return connection.get();
}

void Connections::Leave(Connection* connection) {
  if (--connection->streams_ == 0) connections_.erase(connections_.find(connection->peer_));
}

void Connections::StartTurn(Connection* connection) {
  if (connection->turn_ == turn_) return;
  connection->turn_ = turn_;
  connection->expected_ = 0;
  connection->written_ = 0;
  connection->held_back_ = false;
}

void Connections::Expect(Connection* connection) {
  StartTurn(connection);
  ++connection->expected_;
}

void Connections::BeforeWrite(Connection* connection) {
  StartTurn(connection);
  ++connection->written_;
  if (connection->held_back_ || std::max(connection->expected_, connection->written_) < 2) return;
  if (connection->socket_ < 0) connection->socket_ = FindSocket(connection->peer_);
  if (connection->socket_ < 0) return;
  connection->held_back_ = true;
  SetCork(connection->socket_, 1);
  held_back_.push_back(connection->socket_);
}

void Connections::EndTurn() {
  for (const int socket : held_back_) SetCork(socket, 0);
  held_back_.clear();
  ++turn_;
}

int Connections::FindSocket(const std::string& peer) {
  auto it = sockets_.find(peer);
  if (it == sockets_.end() && clock_->Monotonic() >= next_look_) {
    LookAtSockets();
    it = sockets_.find(peer);
  }
  // It may have been closed, and another one opened, since the look.
  return it != sockets_.end() && PeerOf(it->second) == peer ? it->second : -1;
}

void Connections::LookAtSockets() {
  sockets_.clear();
  int unused = 0;
  for (int socket = 0; unused < kUnusedMax; ++socket) {
    int error;
    std::string peer = PeerOf(socket, &error);
    unused = error == EBADF ? unused + 1 : 0;
    if (!peer.empty()) sockets_[std::move(peer)] = socket;
  }
  next_look_ = clock_->Monotonic() + kLookInterval;
}

}  // namespace nmq::rpc
