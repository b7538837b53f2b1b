// What can be configured, for docs/configuration.md.
#ifndef NMQ_SERVER_REFERENCE_H_
#define NMQ_SERVER_REFERENCE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nmq {

// The environment variable that stands for a flag: NMQ_LISTEN for "listen".
std::string EnvironmentName(absl::string_view flag);

// Markdown tables of these flags of the program, and of all limits.
std::string Reference(absl::Span<const char* const> flags);

}  // namespace nmq

#endif  // NMQ_SERVER_REFERENCE_H_
