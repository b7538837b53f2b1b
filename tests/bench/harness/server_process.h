#ifndef NMQ_TESTS_BENCH_HARNESS_SERVER_PROCESS_H_
#define NMQ_TESTS_BENCH_HARNESS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace nmq::bench {

struct ServerCommand {
  // The program, found by PATH if it has no slash, and its arguments.
  std::vector<std::string> words;
  // What stands in its output when it is ready, and just before its address HOST:PORT, which a blank or the line's end
  // ends; unless the address is given here.
  std::string ready;
  std::string address = {};
  // The output is standard error, instead of standard output.
  bool ready_on_stderr = false;
  // File to which the other one is appended.
  std::string log = "/dev/null";
  // What it may exit with after SIGTERM.
  std::vector<int> exit_statuses = {0};
  // How long it may take until it is ready.
  absl::Duration start_patience = absl::Seconds(20);
};

// A server of our own on a free port. Not thread-safe.
class ServerProcess {
 public:
  // Starts it and waits for its address.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const ServerCommand& command);
  // Kills it if it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

  // Sends SIGTERM and waits. An error if it does not end in time, or not as it should.
  absl::Status Stop();

 private:
  ServerProcess(pid_t pid, int output, std::vector<int> exit_statuses)
      : pid_(pid), output_(output), exit_statuses_(std::move(exit_statuses)) {}

  absl::Status AwaitReady(const ServerCommand& command);

  pid_t pid_;
  const int output_;
  const std::vector<int> exit_statuses_;
  std::string address_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_SERVER_PROCESS_H_
