#include "server/command_line.h"

#include <optional>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

bool IsSwitchedOff(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "no")) return false;
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && flag->IsOfType<bool>();
}

}  // namespace

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
    if (!absl::EndsWith(flag->Filename(), "server/main.cc")) continue;
    absl::Status status = SetFlag(word->name, given, *word->value, kinds);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace nmq
