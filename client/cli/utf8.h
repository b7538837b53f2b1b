// Which bytes are text. All functions are thread-safe.
#ifndef NMQ_CLIENT_CLI_UTF8_H_
#define NMQ_CLIENT_CLI_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// The bytes of the character that `text`, which must not be empty, begins with; 0 if that is no well-formed UTF-8:
// overlong forms, surrogates and what is above U+10FFFF are none.
size_t Utf8Length(absl::string_view text);

bool IsUtf8(absl::string_view text);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_UTF8_H_
