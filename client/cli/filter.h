// Shell commands that turn a text into another.
#ifndef NMQ_CLIENT_CLI_FILTER_H_
#define NMQ_CLIENT_CLI_FILTER_H_

#include <atomic>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {
namespace cli {

struct FilterOptions {
  // Bytes of the output at the most.
  size_t output_max = 0;
  absl::Duration timeout = absl::InfiniteDuration();
  // Added to the environment: NAME=VALUE.
  std::vector<std::string> environment = {};
  // Gets what a command had written that did not end well, if it is not null.
  std::string* output_of_failed = nullptr;
  // Ends the command soon after it is set, if it is not null.
  const std::atomic<bool>* cancelled = nullptr;
};

// Runs `command` with /bin/sh and returns what it writes to its standard output when it gets `input`. Its standard
// error is ours. ABORTED if it fails, RESOURCE_EXHAUSTED if it writes too much, DEADLINE_EXCEEDED if it takes too long,
// CANCELLED; it and what it started in its process group are killed then. SIGPIPE must be ignored. Thread-safe.
absl::StatusOr<std::string> RunFilter(const std::string& command, absl::string_view input,
                                      const FilterOptions& options);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_FILTER_H_
