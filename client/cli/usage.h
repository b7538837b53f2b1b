// What is said of words that are no command, and of commands that lack words.
#ifndef NMQ_CLIENT_CLI_USAGE_H_
#define NMQ_CLIENT_CLI_USAGE_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/arguments.h"

namespace nmq {
namespace cli {

// Whether --json is among the words; for those that cannot be parsed.
bool AsksForJson(const std::vector<std::string>& words);

// The command that was given so far, once `app` has tried to parse.
const CLI::App* LastOf(const CLI::App& app);

// The command that the words name. INVALID_ARGUMENT if there is none.
absl::StatusOr<const CLI::App*> CommandOf(const CLI::App& app, const std::vector<std::string>& words);

// What --help shows of a command.
std::string HelpOf(const CLI::App& command);

// What is wrong with the words, once `app` could not parse them: what CLI11 says, or better.
std::string ExplainError(const CLI::App& app, const CLI::ParseError& error, const std::vector<std::string>& words);

// To be told on standard error.
Parsed Usage(absl::string_view text, bool json);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_USAGE_H_
