// JSON, read and written by Protocol Buffers. All functions are thread-safe.
#ifndef NMQ_CLIENT_EXAMPLES_JSON_H_
#define NMQ_CLIENT_EXAMPLES_JSON_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {
namespace examples {

// The same value on one line, keys in their order. Numbers are doubles, as in JavaScript: integers above 2^53 become
// inexact. INVALID_ARGUMENT if it is no JSON, or nested more than 32 deep.
absl::StatusOr<std::string> NormalizeJson(absl::string_view json);

bool IsUtf8(absl::string_view text);

// In quotes. `text` must be UTF-8.
std::string JsonString(absl::string_view text);

// An object, field by field. Not thread-safe.
class JsonObject {
 public:
  // What is no UTF-8 is added as base64 under the name KEY_base64.
  JsonObject& Text(absl::string_view key, absl::string_view value);
  JsonObject& Number(absl::string_view key, int64_t value);
  JsonObject& Bool(absl::string_view key, bool value);
  // A value that is JSON already.
  JsonObject& Json(absl::string_view key, absl::string_view json);

  std::string str() const { return fields_.empty() ? "{}" : fields_ + "}"; }

 private:
  std::string fields_;
};

}  // namespace examples
}  // namespace nmq

#endif  // NMQ_CLIENT_EXAMPLES_JSON_H_
