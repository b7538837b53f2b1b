// A stand-in for the network between clients and a server.
#ifndef NMQ_TESTS_TESTING_TCP_PROXY_H_
#define NMQ_TESTS_TESTING_TCP_PROXY_H_

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"

namespace nmq {

// Passes bytes on between those who connect to it and a port of this machine, until told to misbehave. A connection
// that one end closes is reset at the other. Thread-safe.
class TcpProxy {
 public:
  explicit TcpProxy(int server_port);
  // Cuts everything.
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  // HOST:PORT to connect to.
  const std::string& address() const { return address_; }
  // Connections that came in so far.
  int accepted() const { return accepted_.load(); }

  // Where connections go from now on.
  void SetServerPort(int port) { server_port_.store(port); }
  // Resets all connections, and waits until that is done.
  void Cut() ABSL_LOCKS_EXCLUDED(mu_);
  // Whether to leave unread what the server sends, so that its socket fills up.
  void Stall(bool stall) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Pipe;
  struct Connection;

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void Wake();
  void Accept();
  void Forward();

  int listen_fd_;
  int wake_fd_;
  std::string address_;
  std::atomic<int> server_port_;
  std::atomic<int> accepted_{0};
  std::list<std::unique_ptr<Connection>> connections_;  // only for the thread
  Mutex mu_;
  CondVar changed_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  bool stall_ ABSL_GUARDED_BY(mu_) = false;
  int cuts_wanted_ ABSL_GUARDED_BY(mu_) = 0;
  int cuts_done_ ABSL_GUARDED_BY(mu_) = 0;
  std::thread thread_;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_TCP_PROXY_H_
