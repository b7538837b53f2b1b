#include "client/cli/asked.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace nmq {
namespace cli {
namespace {

// As one word of a shell.
std::string ShellWord(absl::string_view text) {
  constexpr absl::string_view kPlain = "._-/:@=+,%";
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [kPlain](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(kPlain, c);
  });
  return plain ? std::string(text) : absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string Again(const std::vector<std::string>& words, absl::string_view option) {
  const std::string value = TypedOption(words, option);
  return value.empty() ? "" : absl::StrCat(" ", option, " ", ShellWord(value));
}

}  // namespace

std::string Asked::Command(absl::string_view words, bool in_namespace) const {
  return absl::StrCat("nmq ", words, server_options, in_namespace ? namespace_option : "");
}

std::string TypedOption(const std::vector<std::string>& words, absl::string_view option) {
  std::string value;
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    absl::string_view word = words[i];
    if (!absl::ConsumePrefix(&word, option)) continue;
    if (absl::ConsumePrefix(&word, "=")) {
      value = std::string(word);
    } else if (word.empty() && i + 1 < words.size()) {
      value = words[++i];
    }
  }
  return value;
}

void TakeTypedOptions(const std::vector<std::string>& words, Asked* asked) {
  for (const char* option : {"--context", "--server", "--tls-ca", "--tls-certificate", "--tls-key"}) {
    absl::StrAppend(&asked->server_options, Again(words, option));
  }
  asked->namespace_option = Again(words, "--namespace");
}

}  // namespace cli
}  // namespace nmq
