#include "client/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace nmq {
namespace cli {

bool Output::Write(absl::string_view text) {
  while (!text.empty()) {
    if (error_ != 0) return false;
    const ssize_t written = write(fd_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(written);
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  return error_ == 0;
}

bool Output::WriteLine(absl::string_view line) {
  std::string text(line.data(), line.size());
  text += '\n';
  return Write(text);
}

bool Output::is_terminal() const { return isatty(fd_) == 1; }

}  // namespace cli
}  // namespace nmq
