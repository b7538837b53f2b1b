#include "client/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/cli/json.h"

namespace nmq {
namespace cli {

Output::Output(int fd) : fd_(fd), terminal_(isatty(fd) == 1), colors_(ShowsColors(fd)) {}

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

bool Output::WriteLine(absl::string_view line) { return Write(absl::StrCat(line, "\n")); }

bool Output::Tell(absl::string_view text) {
  if (!json_) return WriteLine(absl::StrCat("nmq: ", text));
  JsonWriter json;
  return WriteLine(json.BeginObject().Key("notice").String(text).EndObject().json());
}

size_t Output::columns() const { return terminal_ ? WindowSizeOf(fd_).columns : std::numeric_limits<size_t>::max(); }

std::string Output::In(Paint paint, absl::string_view text) const {
  return colors_ ? Painted(paint, text) : std::string(text);
}

}  // namespace cli
}  // namespace nmq
