// A program that a test runs.
#ifndef NMQ_TESTS_TESTING_PROCESS_H_
#define NMQ_TESTS_TESTING_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/deadline.h"

namespace nmq {

// One run of a program. Not thread-safe.
class Process {
 public:
  // Starts `path`, found from the root of the runfiles, with `arguments`, and with `environment` ("NAME=VALUE") added
  // to that of the test.
  Process(const std::string& path, const std::vector<std::string>& arguments,
          const std::vector<std::string>& environment = {});
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // SIGSTOP has stopped it when this returns; other signals are on their way.
  void Signal(int signal) const;

  // The next line of its standard output, without the end of the line; nothing at the end, or when time is up.
  std::optional<std::string> ReadLine(absl::Duration patience);
  // Waits for the end. Its exit code, or 128 and the signal that ended it; nothing when time is up.
  std::optional<int> WaitForExit(absl::Duration patience);

  // What it wrote to its standard error so far.
  std::string errors() const;
  // Its memory that is in use now, in bytes.
  uint64_t resident_bytes() const;

 private:
  bool ReadMore(Deadline deadline);

  pid_t pid_ = -1;
  int out_fd_ = -1;
  int error_fd_ = -1;
  std::string out_;  // read and not yet handed out
  std::optional<int> exit_code_;
};

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_PROCESS_H_
