// What somebody may have meant.
#ifndef NMQ_CLIENT_CLI_SUGGEST_H_
#define NMQ_CLIENT_CLI_SUGGEST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// The word of `known` that is most like `word`, or that other programs call so; empty if none is near. Thread-safe.
std::string Nearest(absl::string_view word, const std::vector<std::string>& known);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_SUGGEST_H_
