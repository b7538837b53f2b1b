#include "tests/testing/tcp_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace nmq {
namespace {

// Small, so that a stalled connection is full soon.
constexpr int kSocketBufferBytes = 16 << 10;
constexpr size_t kPipeBytes = 16 << 10;

sockaddr_in Local(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Closes with a reset instead of a farewell.
void Reset(int fd) {
  const linger at_once = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(fd);
}

void Require(bool fine) {
  if (!fine) abort();  // this machine has no loopback interface, or no file descriptors
}

}  // namespace

// One direction of a connection.
struct TcpProxy::Pipe {
  int from;
  int to;
  std::string bytes;  // read and not yet written

  bool wants_read() const { return bytes.size() < kPipeBytes; }
  // False when the connection is over.
  bool Read() {
    char buffer[kPipeBytes];
    const ssize_t got = recv(from, buffer, kPipeBytes - bytes.size(), 0);
    if (got > 0) bytes.append(buffer, static_cast<size_t>(got));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }
  bool Write() {
    const ssize_t put = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) bytes.erase(0, static_cast<size_t>(put));
    return put >= 0 || errno == EAGAIN || errno == EINTR;
  }
};

struct TcpProxy::Connection {
  Connection(int client_fd, int server_fd)
      : client(client_fd), server(server_fd), up{client_fd, server_fd, ""}, down{server_fd, client_fd, ""} {}
  ~Connection() {
    Reset(client);
    Reset(server);
  }

  const int client;
  const int server;
  Pipe up;
  Pipe down;
};

TcpProxy::TcpProxy(int server_port) : server_port_(server_port) {
  listen_fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Require(listen_fd_ >= 0);
  sockaddr_in address = Local(0);
  socklen_t size = sizeof(address);
  Require(bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listen_fd_, 128) == 0 &&
          getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  wake_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  Require(wake_fd_ >= 0);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
  }
  Wake();
  thread_.join();
  close(listen_fd_);
  close(wake_fd_);
}

void TcpProxy::Wake() {
  const uint64_t one = 1;
  Require(write(wake_fd_, &one, sizeof(one)) == sizeof(one));
}

void TcpProxy::Cut() {
  MutexLock lock(&mu_);
  const int wanted = ++cuts_wanted_;
  Wake();
  while (cuts_done_ < wanted) changed_.Wait(&mu_);
}

void TcpProxy::Stall(bool stall) {
  {
    MutexLock lock(&mu_);
    stall_ = stall;
  }
  Wake();
}

void TcpProxy::Accept() {
  while (true) {
    const int client = accept4(listen_fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Require(server >= 0);
    setsockopt(server, SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes, sizeof(kSocketBufferBytes));
    const sockaddr_in address = Local(server_port_.load());
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      Reset(client);
      Reset(server);
      continue;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    const int on = 1;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connections_.push_back(std::make_unique<Connection>(client, server));
    accepted_.fetch_add(1);
  }
}

// Waits for something to do, and does it once.
void TcpProxy::Forward() {
  bool stall;
  {
    MutexLock lock(&mu_);
    stall = stall_;
  }
  std::vector<pollfd> polls = {{listen_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  auto add = [&polls](int fd, const Pipe& in, const Pipe& out, bool read) {
    const int events = (read && in.wants_read() ? POLLIN : 0) | (out.bytes.empty() ? 0 : POLLOUT);
    polls.push_back({fd, static_cast<short>(events), 0});
  };
  for (const auto& connection : connections_) {
    add(connection->client, connection->up, connection->down, true);
    add(connection->server, connection->down, connection->up, !stall);
  }
  Require(poll(polls.data(), polls.size(), -1) >= 0 || errno == EINTR);
  uint64_t wakes;
  if (polls[1].revents != 0) Require(read(wake_fd_, &wakes, sizeof(wakes)) > 0 || errno == EAGAIN);
  size_t at = 2;
  for (auto it = connections_.begin(); it != connections_.end(); at += 2) {
    Connection& connection = **it;
    const int client = polls[at].revents;
    const int server = polls[at + 1].revents;
    bool alive = ((client | server) & (POLLERR | POLLHUP)) == 0;
    if (alive && (client & POLLIN) != 0) alive = connection.up.Read();
    if (alive && (server & POLLIN) != 0) alive = connection.down.Read();
    if (alive && !connection.up.bytes.empty()) alive = connection.up.Write();
    if (alive && !connection.down.bytes.empty()) alive = connection.down.Write();
    it = alive ? std::next(it) : connections_.erase(it);
  }
  if (polls[0].revents != 0) Accept();
}

void TcpProxy::Run() {
  while (true) {
    Forward();
    MutexLock lock(&mu_);
    if (cuts_done_ < cuts_wanted_ || stop_) connections_.clear();
    cuts_done_ = cuts_wanted_;
    changed_.SignalAll();
    if (stop_) return;
  }
}

}  // namespace nmq
