#ifndef NMQ_TESTS_BENCH_PEERS_SOCKET_H_
#define NMQ_TESTS_BENCH_PEERS_SOCKET_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// A TCP connection without Nagle's delay. Waits 20 s at the most for anything. Not thread-safe.
class Socket {
 public:
  // `address` is an IPv4 address and a port, HOST:PORT.
  static absl::StatusOr<Socket> Connect(const std::string& address);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // Returns when all bytes are handed to the system.
  absl::Status Send(absl::string_view bytes);
  // Waits for bytes and returns how many there were. UNAVAILABLE when the other side has closed.
  absl::StatusOr<size_t> Read(char* buffer, size_t size);
  // The same, but returns 0 if nothing is there.
  absl::StatusOr<size_t> ReadWhatIsThere(char* buffer, size_t size);

  int fd() const { return fd_; }

 private:
  explicit Socket(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_SOCKET_H_
