#include "server/rpc/connection_acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/rpc/listen.h"

namespace nmq::rpc {
namespace {

// How long nobody is accepted after it failed, such as for want of a descriptor.
constexpr int kPauseMs = 100;
// How long a peer may leave what was sent to it without an answer: as long as one that leaves a ping.
constexpr int kUserTimeoutMs = 10'000;
constexpr absl::Duration kReconnectAfter = absl::Seconds(5);
constexpr int kSecondsBetweenLines = 60;

// Whether an error of accept is about one connection, which is gone.
bool IsOfOneConnection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(uint64_t descriptors_max, Metrics* metrics)
    : descriptors_max_(descriptors_max), metrics_(metrics) {}

absl::Status ConnectionAcceptor::Listen(const std::string& address) {
  absl::Status valid = CheckAddress(address);
  if (!valid.ok()) return valid;
  absl::StatusOr<Listening> listening = rpc::Listen(address);
  if (!listening.ok()) return listening.status();
  stop_ = eventfd(0, EFD_CLOEXEC);
  listeners_ = std::move(listening->sockets);
  address_ = absl::StrCat(address.substr(0, address.rfind(':')), ":", listening->port);
  if (stop_ >= 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ", strerror(errno)));
}

void ConnectionAcceptor::Start(Receiver receiver, MakeRoom make_room) {
  receiver_ = std::move(receiver);
  make_room_ = std::move(make_room);
  thread_ = std::thread([this] { Run(); });
}

void ConnectionAcceptor::Stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_, 1);
    thread_.join();
  }
  if (stop_ >= 0) close(std::exchange(stop_, -1));
  for (const int listener : listeners_) close(listener);
  listeners_.clear();
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> waiting = {{stop_, POLLIN, 0}};
  for (const int listener : listeners_) waiting.push_back({listener, POLLIN, 0});
  while (true) {
    const bool pause = std::exchange(pause_, false);
    const int ready = poll(waiting.data(), pause ? 1 : waiting.size(), pause ? kPauseMs : -1);
    if (ready < 0) continue;  // a signal
    if (waiting[0].revents != 0) return;
    for (size_t i = 1; i < waiting.size() && !pause; ++i) {
      if (waiting[i].revents != 0) AcceptFrom(waiting[i].fd);
    }
  }
}

void ConnectionAcceptor::AcceptFrom(int listener) {
  while (!pause_) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Take(listener, fd);
    } else if (errno == EAGAIN) {
      return;
    } else if (!IsOfOneConnection(errno)) {
      LOG_EVERY_T(WARNING, kSecondsBetweenLines) << "cannot accept connections, tries again: " << strerror(errno);
      pause_ = true;
    }
  }
}

void ConnectionAcceptor::Take(int listener, int fd) {
  // The system gives the least number that is free.
  if (static_cast<uint64_t>(fd) >= descriptors_max_) return Refuse(fd);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof(kUserTimeoutMs));
  receiver_(listener, fd);
}

void ConnectionAcceptor::Refuse(int fd) {
  close(fd);
  if (make_room_ != nullptr) make_room_();
  const absl::Status refused =
      ResourceExhausted("TOO_MANY_CONNECTIONS",
                        absl::StrCat("connections are refused, for ", descriptors_max_,
                                     " descriptors are in use, and the others are kept for files; raise RLIMIT_NOFILE "
                                     "(ulimit -n, LimitNOFILE)"),
                        kReconnectAfter);
  metrics_->CountRefusal(refused);
  LOG_EVERY_T(WARNING, kSecondsBetweenLines) << refused.message();
}

}  // namespace nmq::rpc
