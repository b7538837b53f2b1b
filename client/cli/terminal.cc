#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace nmq {
namespace cli {
namespace {

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

WindowSize WindowSizeOf(int fd) {
  winsize size = {};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {.rows = size.ws_row, .columns = size.ws_col};
}

bool ShowsColors(int fd) {
  const char* const refused = getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0') return false;
  const char* const term = getenv("TERM");
  return isatty(fd) == 1 && term != nullptr && absl::string_view(term) != "dumb";
}

std::string Painted(Paint paint, absl::string_view text) {
  static constexpr const char* kCodes[] = {"1", "2", "31", "32", "33", "36"};
  return absl::StrCat("\x1b[", kCodes[static_cast<int>(paint)], "m", text, "\x1b[0m");
}

size_t TextWidth(absl::string_view text) { return text.size() - std::count_if(text.begin(), text.end(), Continues); }

std::string CutTo(size_t width, absl::string_view text) {
  if (TextWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t size = 0;
  for (size_t seen = 0; size < text.size(); ++size) {
    if (!Continues(text[size]) && ++seen == width) break;
  }
  return absl::StrCat(text.substr(0, size), "…");
}

}  // namespace cli
}  // namespace nmq
