// Shell commands that turn a text into another.
#ifndef NMQ_CLIENT_CLI_FILTER_H_
#define NMQ_CLIENT_CLI_FILTER_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {
namespace cli {

// Runs `command` with /bin/sh and returns what it writes to its standard output when it gets `input`. Its standard
// error is ours. ABORTED if it fails, RESOURCE_EXHAUSTED if it writes more than `output_max` bytes, DEADLINE_EXCEEDED
// if it takes longer than `timeout`; it and what it started in its process group are killed then. SIGPIPE must be
// ignored. Thread-safe.
absl::StatusOr<std::string> RunFilter(const std::string& command, absl::string_view input, size_t output_max,
                                      absl::Duration timeout);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_FILTER_H_
