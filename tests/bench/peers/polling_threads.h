#ifndef NMQ_TESTS_BENCH_PEERS_POLLING_THREADS_H_
#define NMQ_TESTS_BENCH_PEERS_POLLING_THREADS_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tests/bench/peers/socket.h"

namespace nmq::bench {

// A connection on which subscribers hear messages.
class HearingConnection {
 public:
  explicit HearingConnection(Socket socket) : socket_(std::move(socket)) {}
  virtual ~HearingConnection() = default;

  // The next bytes that the server sent. All on one thread.
  virtual absl::Status OnBytes(absl::string_view bytes) = 0;

  Socket* socket() { return &socket_; }

 private:
  Socket socket_;
};

// A few threads that read what comes on many connections. One thread at a time.
class PollingThreads {
 public:
  // At least one thread; connection number n is read by thread n % `threads`. `on_failure` comes on these threads, and
  // says why a connection is not read any more.
  PollingThreads(int threads, std::function<void(const absl::Status&)> on_failure);
  ~PollingThreads();
  PollingThreads(const PollingThreads&) = delete;
  PollingThreads& operator=(const PollingThreads&) = delete;

  // Reads for the connection from now on; not after Stop().
  absl::Status Add(std::unique_ptr<HearingConnection> connection);
  // Ends the threads, then the connections.
  void Stop();

 private:
  class Lane;

  const std::function<void(const absl::Status&)> on_failure_;
  std::vector<std::unique_ptr<HearingConnection>> connections_;
  // Last, so that their threads end before what they use goes.
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_POLLING_THREADS_H_
