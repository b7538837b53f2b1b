// Standard output and standard error, line by line, to readers that may go away.
#ifndef NMQ_CLIENT_CLI_OUTPUT_H_
#define NMQ_CLIENT_CLI_OUTPUT_H_

#include <atomic>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// Writes to a file descriptor that it does not own, unbuffered. SIGPIPE must be ignored. Thread-safe.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // False once something could not be written.
  bool Write(absl::string_view text);
  // With a line end.
  bool WriteLine(absl::string_view line);

  bool is_terminal() const;
  // 0 while all is well; else errno of the first failure. EPIPE: the reader has gone.
  int error() const { return error_; }

 private:
  const int fd_;
  std::atomic<int> error_ = 0;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_OUTPUT_H_
