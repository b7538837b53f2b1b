#include "server/command_line.h"

#include <algorithm>
#include <optional>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace nmq {
namespace {

constexpr char kSeeHelp[] = "; see nmqd --help";

struct Word {
  std::string name;
  std::optional<std::string> value = {};
};

// Nothing if it is no flag.
std::optional<Word> FlagOf(absl::string_view word) {
  if (word.size() < 2 || !absl::ConsumePrefix(&word, "-")) return std::nullopt;
  absl::ConsumePrefix(&word, "-");
  const size_t equals = word.find('=');
  Word flag{.name = std::string(word.substr(0, equals))};
  if (equals != absl::string_view::npos) flag.value = std::string(word.substr(equals + 1));
  return flag;
}

// Those that Abseil knows without declaring them.
bool IsAbseils(absl::string_view name) {
  return absl::StartsWith(name, "help") || name == "version" || name == "only_check_args";
}

bool IsOfTheServer(const absl::CommandLineFlag& flag) { return absl::EndsWith(flag.Filename(), "server/flags.cc"); }

bool IsSwitchedOff(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "no")) return false;
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && flag->IsOfType<bool>();
}

// `text` in lines of at most 100 characters, each behind six spaces.
std::string Wrapped(const std::string& text) {
  constexpr size_t kWidth = 94;
  std::string lines;
  std::string line;
  for (const absl::string_view word : absl::StrSplit(text, ' ')) {
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      absl::StrAppend(&lines, "      ", line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  return absl::StrCat(lines, "      ", line, "\n");
}

}  // namespace

std::vector<std::string> PlainFlags(std::vector<std::string> words) {
  for (std::string& word : words) {
    if (word == "--") break;
    if (word == "-h" || word == "--h" || word == "-help") word = "--help";
    const std::optional<Word> flag = FlagOf(word);
    if (!flag.has_value()) continue;
    std::string name = absl::StrReplaceAll(flag->name, {{"-", "_"}});
    if (name == flag->name || (absl::FindCommandLineFlag(name) == nullptr && !IsSwitchedOff(name))) continue;
    word = absl::StrCat("--", name, flag->value.has_value() ? absl::StrCat("=", *flag->value) : "");
  }
  return words;
}

bool AsksForHelp(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--help") != end;
}

std::string HelpText(const std::string& usage) {
  std::map<std::string, const absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (IsOfTheServer(*flag)) flags[std::string(name)] = flag;
  }
  std::string text =
      absl::StrCat("nmqd, ", usage, "\n\nFlags, with - or _ in their names, as --name=value or --name value:\n");
  for (const auto& [name, flag] : flags) {
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, value.empty() ? "" : absl::StrCat(" (", value, ")"), "\n",
                    Wrapped(flag->Help()));
  }
  return absl::StrCat(text, "  --help, -h\n      print this\n  --version\n      print the version\n");
}

std::string WrongValue(const std::string& given, const std::string& kind) {
  return absl::StrCat(given, ": must be ", kind, kSeeHelp);
}

absl::Status SetFlag(const std::string& flag, const std::string& given, const std::string& value,
                     const FlagKinds& kinds) {
  std::string error;
  if (absl::FindCommandLineFlag(flag)->ParseFrom(value, &error)) return absl::OkStatus();
  const auto kind = kinds.find(flag);
  return absl::InvalidArgumentError(
      WrongValue(absl::StrCat(given, "=", value), kind != kinds.end() ? kind->second : "true or false"));
}

absl::Status CheckFlags(const std::vector<std::string>& words, const FlagKinds& kinds) {
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    std::optional<Word> word = FlagOf(words[i]);
    if (!word) continue;
    const std::string given = absl::StrCat("--", word->name);
    const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(word->name);
    if (flag == nullptr) {
      if (IsAbseils(word->name) || (!word->value && IsSwitchedOff(word->name))) continue;
      return absl::InvalidArgumentError(absl::StrCat("there is no flag ", given, kSeeHelp));
    }
    if (!word->value && flag->IsOfType<bool>()) continue;
    if (!word->value) {
      if (++i == words.size()) return absl::InvalidArgumentError(absl::StrCat(given, ": needs a value", kSeeHelp));
      word->value = words[i];
    }
    // Those of Abseil may have effects.
    if (!IsOfTheServer(*flag)) continue;
    absl::Status status = SetFlag(word->name, given, *word->value, kinds);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace nmq
