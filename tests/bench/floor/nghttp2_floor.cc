// The least that gRPC's wire can do without gRPC's server: what floor_server.cc does, over libnghttp2 and an epoll
// loop. What all streams of a connection have to say in a turn of the loop goes out by one call of the system, which
// refers to prepared bytes where they are long. One thread.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <utility>
#include <vector>

#include "tests/bench/floor/http2_call.h"
#include "tests/bench/floor/http2_connection.h"

namespace nmq::bench {
namespace {

constexpr int kBacklog = 4096;
constexpr int kEvents = 1024;

volatile std::sig_atomic_t stopping = 0;

// SIGTERM comes only while the loop waits, with the signals that this returns.
sigset_t HoldTermination() {
  sigset_t held, before;
  sigemptyset(&held);
  sigaddset(&held, SIGTERM);
  sigprocmask(SIG_BLOCK, &held, &before);
  std::signal(SIGTERM, [](int) { stopping = 1; });
  return before;
}

// On a free port of 127.0.0.1, which is written to `port`; -1 if it cannot.
int Listen(int* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, generic, size) != 0 || listen(listener, kBacklog) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    return -1;
  }
  *port = ntohs(address.sin_port);
  return listener;
}

// False if there are no descriptors left.
bool Accept(int listener, Http2Floor* floor) {
  while (true) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return errno != EMFILE && errno != ENFILE;
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // The floor knows it from now on.
    new Http2Connection(floor, socket);
  }
}

// Lets those who have something new say it.
class Waker {
 public:
  void Run(Audience<SharedBytes>* audience) {
    audience->TakeReady(&ready_);
    for (Listener* const listener : ready_) static_cast<Http2Call*>(listener)->Wake();
    ready_.clear();
    if (std::exchange(woken_, audience->published()) == audience->published()) return;
    for (Listener* const listener : audience->everyone()) static_cast<Http2Call*>(listener)->Wake();
  }

 private:
  std::vector<Listener*> ready_;
  uint64_t woken_ = 0;
};

void EndTurn(Http2Floor* floor, std::vector<Http2Connection*>* marked) {
  marked->swap(floor->marked);
  for (Http2Connection* const connection : *marked) connection->Flush();
  marked->clear();
  for (Http2Connection* const connection : floor->ended) {
    std::erase(floor->marked, connection);
    delete connection;
  }
  floor->ended.clear();
}

// First takes all that has arrived, then writes. Returns the program's exit status.
int Serve(int listener, const sigset_t& signals, Http2Floor* floor) {
  std::vector<epoll_event> events(kEvents);
  std::vector<Http2Connection*> marked;
  Waker waker;
  while (stopping == 0) {
    const int count = epoll_pwait(floor->epoll, events.data(), kEvents, floor->marked.empty() ? -1 : 0, &signals);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr != nullptr) {
        static_cast<Http2Connection*>(events[i].data.ptr)->OnEvents(events[i].events);
      } else if (!Accept(listener, floor)) {
        std::cerr << "nghttp2_floor: too many connections: " << strerror(errno) << "; raise the limit (ulimit -n)\n";
        return 1;
      }
    }
    waker.Run(&floor->audience);
    EndTurn(floor, &marked);
  }
  return 0;
}

}  // namespace
}  // namespace nmq::bench

int main() {
  const sigset_t signals = nmq::bench::HoldTermination();
  int port = 0;
  const int listener = nmq::bench::Listen(&port);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (listener < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
    std::cerr << "nghttp2_floor: cannot listen on 127.0.0.1: " << strerror(errno) << "\n";
    return 1;
  }
  nmq::bench::Http2Floor floor(epoll);
  std::cout << "floor_server ready grpc=127.0.0.1:" << port << std::endl;
  return nmq::bench::Serve(listener, signals, &floor);
}
