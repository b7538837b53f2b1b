// Standard output and standard error, line by line, to readers that may go away.
#ifndef NMQ_CLIENT_CLI_OUTPUT_H_
#define NMQ_CLIENT_CLI_OUTPUT_H_

#include <atomic>
#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cli/terminal.h"

namespace nmq {
namespace cli {

// Writes to a file descriptor that it does not own, unbuffered. SIGPIPE must be ignored. Thread-safe but for
// set_json().
class Output {
 public:
  explicit Output(int fd);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // False once something could not be written.
  bool Write(absl::string_view text);
  // With a line end.
  bool WriteLine(absl::string_view line);

  // From now on Tell() writes JSON.
  void set_json(bool json) { json_ = json; }
  bool json() const { return json_; }
  // A line for the person at the terminal: "nmq: text", or {"notice":"text"}.
  bool Tell(absl::string_view text);

  bool is_terminal() const { return terminal_; }
  bool has_colors() const { return colors_; }
  // Columns of the terminal; those of no terminal are endless.
  size_t columns() const;
  // `text` in that colour, if this is a terminal that shows some.
  std::string In(Paint paint, absl::string_view text) const;

  // 0 while all is well; else errno of the first failure. EPIPE: the reader has gone.
  int error() const { return error_; }

 private:
  const int fd_;
  const bool terminal_;
  const bool colors_;
  bool json_ = false;
  std::atomic<int> error_ = 0;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_OUTPUT_H_
