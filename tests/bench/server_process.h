#ifndef NMQ_TESTS_BENCH_SERVER_PROCESS_H_
#define NMQ_TESTS_BENCH_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nmq::bench {

// An nmqd of our own on a free port. Not thread-safe.
class ServerProcess {
 public:
  // Starts `program --listen=127.0.0.1:0` with `arguments` and waits for its ready line. Its standard error is appended
  // to the file `log`.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::string& program,
                                                              const std::vector<std::string>& arguments,
                                                              const std::string& log);
  // Kills it if it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

  // Sends SIGTERM and waits. An error if it does not end in time, or not with 0.
  absl::Status Stop();

 private:
  ServerProcess(pid_t pid, int output) : pid_(pid), output_(output) {}

  absl::Status AwaitReady();

  pid_t pid_;
  const int output_;
  std::string address_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SERVER_PROCESS_H_
