#ifndef NMQ_SERVER_COMMAND_LINE_H_
#define NMQ_SERVER_COMMAND_LINE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace nmq {

// What flags are, for those who read about a value that cannot be: "a whole number from 0 to 64", by the flag's name.
using FlagKinds = std::map<std::string, std::string>;

// The words with "_" in the place of "-" in the names of flags that are called so: --data-dir is --data_dir. -h and --h
// are --help.
std::vector<std::string> PlainFlags(std::vector<std::string> words);

// Whether --help is among the words.
bool AsksForHelp(const std::vector<std::string>& words);

// What --help prints: `usage`, and the flags of the program, each with its default.
std::string HelpText(const std::string& usage);

// "--threads=65: must be a whole number from 0 to 64; see nmqd --help".
std::string WrongValue(const std::string& given, const std::string& kind);

// Sets the flags that the words name. Abseil, which does so, too, ends the program with a few words and 1; before that,
// this says what is wrong with the first flag that does not exist, lacks its value, or has one that cannot be.
// `words` are without the program's name.
absl::Status CheckFlags(const std::vector<std::string>& words, const FlagKinds& kinds);

// NAME=value of the environment for the flag --name: the same for its value.
absl::Status SetFlag(const std::string& flag, const std::string& given, const std::string& value,
                     const FlagKinds& kinds);

}  // namespace nmq

#endif  // NMQ_SERVER_COMMAND_LINE_H_
