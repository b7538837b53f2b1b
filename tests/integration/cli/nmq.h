// The real nmq, run against a real nmqd, with pipes or with a terminal.
#ifndef NMQ_TESTS_INTEGRATION_CLI_NMQ_H_
#define NMQ_TESTS_INTEGRATION_CLI_NMQ_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace nmq::integration {

using Words = std::vector<std::string>;

// What became of one run; code -1 if it did not end in time, and was killed.
struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string input = {};
  // NAME=VALUE.
  Words environment = {};
  absl::Duration patience = absl::Seconds(30);
};

// `program` is a path from the root of the runfiles.
Ran RunProgram(const std::string& program, const Words& words, const RunOptions& options = {});
// nmq with NMQ_SERVER.
Ran Nmq(const std::string& server, const Words& words, RunOptions options = {});

// nmq with a terminal of 24 rows and 80 columns, or others. Killed at the end, if it still runs.
class Terminal {
 public:
  Terminal(const std::string& server, const Words& words, const Words& environment = {}, int rows = 24,
           int columns = 80);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Type(const std::string& keys);
  // Whether `text` is printed after what the call before this one waited for.
  bool WaitFor(const std::string& text, absl::Duration patience = absl::Seconds(30));
  // Its exit code, once it ends; -1 if it does not.
  int WaitForExit(absl::Duration patience = absl::Seconds(30));
  // All that it printed.
  const std::string& text() const { return text_; }
  // The last frame of a program that draws the whole screen, by lines, without codes.
  std::vector<std::string> LastFrame() const;

 private:
  bool ReadMore(absl::Time until);

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string text_;
  size_t seen_ = 0;
};

}  // namespace nmq::integration

#endif  // NMQ_TESTS_INTEGRATION_CLI_NMQ_H_
