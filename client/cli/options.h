// Options of commands whose values are checked when they are read, so that an error names the option, the value and
// what is allowed. What a value is stands in the option's text: COUNT, SIZE, TIME, NAME=VALUE, FILE, TEXT, or the words
// that it may be with | between them.
#ifndef NMQ_CLIENT_CLI_OPTIONS_H_
#define NMQ_CLIENT_CLI_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/time/time.h"

namespace nmq {
namespace cli {

inline constexpr uint64_t kCountMax = 9'000'000'000'000'000'000;

// Each returns the option. `value` must outlive `app`.

// Any text but none; with `may_be_empty` that, too.
CLI::Option* AddText(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     bool may_be_empty = false);
// The same, one value for each time that the option is given.
CLI::Option* AddTexts(CLI::App* app, const std::string& names, std::vector<std::string>* values,
                      const std::string& help);
// NAME=VALUE each time; with `name_only` also NAME.
CLI::Option* AddPairs(CLI::App* app, const std::string& names, std::vector<std::string>* values,
                      const std::string& help, bool name_only = false);
// A whole number in a range; `value` gets it in digits.
CLI::Option* AddCount(CLI::App* app, const std::string& names, uint64_t* value, const std::string& help,
                      uint64_t least = 1, uint64_t most = kCountMax);
// Bytes, at least 1.
CLI::Option* AddSize(CLI::App* app, const std::string& names, uint64_t* value, const std::string& help);
// A time in a range; `value` gets it as absl::ParseDuration reads it.
CLI::Option* AddSpan(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     absl::Duration least, absl::Duration most);
// One of these words.
CLI::Option* AddWord(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     const std::vector<std::string>& words);
// A file that can be read.
CLI::Option* AddFile(CLI::App* app, const std::string& names, std::string* value, const std::string& help);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_OPTIONS_H_
