// What a terminal can show. All functions are thread-safe.
#ifndef NMQ_CLIENT_CLI_TERMINAL_H_
#define NMQ_CLIENT_CLI_TERMINAL_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

struct WindowSize {
  size_t rows = 24;
  size_t columns = 80;
};

// Of the terminal behind `fd`; as usual if that does not say.
WindowSize WindowSizeOf(int fd);

// Whether `fd` is a terminal that shows colours, and NO_COLOR does not ask for none.
bool ShowsColors(int fd);

// How text is shown where there are colours.
enum class Paint { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// `text` between the codes for that.
std::string Painted(Paint paint, absl::string_view text);

// Characters: bytes that continue none.
size_t TextWidth(absl::string_view text);

// `text` in at most `width` characters; what was cut off is told by a last "…".
std::string CutTo(size_t width, absl::string_view text);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_TERMINAL_H_
