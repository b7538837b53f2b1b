#include "client/cli/options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/human.h"
#include "client/cli/values.h"

namespace nmq {
namespace cli {
namespace {

constexpr char kIsEmpty[] = "is empty: give a value, or leave it out";

// `check` returns what is wrong with a value, and may change it to what is read.
CLI::Option* Checked(CLI::Option* option, const std::string& kind, std::function<std::string(std::string&)> check) {
  return option->transform(CLI::Validator(std::move(check), "", kind))->type_name(kind);
}

// CLI11 would say that more than one value may follow.
CLI::Option* AddList(CLI::App* app, const std::string& names, std::vector<std::string>* values, const std::string& help,
                     const std::string& kind) {
  return app->add_option(names, *values, help)->allow_extra_args(false)->option_text(kind);
}

std::string CheckPresent(std::string& text) { return text.empty() ? kIsEmpty : ""; }

std::string CheckPair(const std::string& text, bool name_only) {
  const size_t equals = text.find('=');
  if (equals == 0 || text.empty() || (equals == std::string::npos && !name_only)) {
    return absl::StrCat(Quoted(text), name_only ? " is neither of the form NAME=VALUE nor a NAME"
                                                : " is not of the form NAME=VALUE, such as zone=a");
  }
  return "";
}

std::string CheckFile(const std::string& path) {
  if (path.empty()) return kIsEmpty;
  struct stat about;
  if (stat(path.c_str(), &about) != 0 || access(path.c_str(), R_OK) != 0) {
    return absl::StrCat(Quoted(path), " cannot be read: ", strerror(errno));
  }
  return S_ISDIR(about.st_mode) ? absl::StrCat(Quoted(path), " is a folder, not a file") : "";
}

}  // namespace

CLI::Option* AddText(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     bool may_be_empty) {
  CLI::Option* const option = app->add_option(names, *value, help)->type_name("TEXT");
  return may_be_empty ? option : Checked(option, "TEXT", CheckPresent);
}

CLI::Option* AddTexts(CLI::App* app, const std::string& names, std::vector<std::string>* values,
                      const std::string& help) {
  return Checked(AddList(app, names, values, help, "TEXT"), "TEXT", CheckPresent);
}

CLI::Option* AddPairs(CLI::App* app, const std::string& names, std::vector<std::string>* values,
                      const std::string& help, bool name_only) {
  return Checked(AddList(app, names, values, help, "NAME=VALUE"), "NAME=VALUE",
                 [name_only](std::string& text) { return CheckPair(text, name_only); });
}

CLI::Option* AddCount(CLI::App* app, const std::string& names, uint64_t* value, const std::string& help, uint64_t least,
                      uint64_t most) {
  return Checked(app->add_option(names, *value, help), "COUNT", [least, most](std::string& text) -> std::string {
    const std::optional<uint64_t> number = ParseCount(text);
    if (number.has_value() && *number >= least && *number <= most) {
      text = absl::StrCat(*number);
      return "";
    }
    const std::string range = most == kCountMax ? absl::StrCat(least, " on") : absl::StrCat(least, " to ", Count(most));
    return absl::StrCat(Quoted(text), " is no whole number from ", range);
  });
}

CLI::Option* AddSize(CLI::App* app, const std::string& names, uint64_t* value, const std::string& help) {
  return Checked(app->add_option(names, *value, help), "SIZE", [](std::string& text) -> std::string {
    const std::optional<uint64_t> size = ParseSize(text);
    if (!size.has_value() || *size == 0 || *size > kCountMax) {
      return absl::StrCat(Quoted(text), " is no size such as 4096, 10MB or 64KiB, from 1 byte on");
    }
    text = absl::StrCat(*size);
    return "";
  });
}

CLI::Option* AddSpan(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     absl::Duration least, absl::Duration most) {
  return Checked(app->add_option(names, *value, help), "TIME", [least, most](std::string& text) -> std::string {
    const std::optional<absl::Duration> span = ParseSpan(text);
    if (span.has_value() && *span >= least && *span <= most) {
      text = absl::FormatDuration(*span);
      return "";
    }
    return absl::StrCat(Quoted(text), " is no time such as 500ms, 30s, 10m or 2d, from ", SpanText(least), " to ",
                        SpanText(most));
  });
}

CLI::Option* AddWord(CLI::App* app, const std::string& names, std::string* value, const std::string& help,
                     const std::vector<std::string>& words) {
  const std::string kind = absl::StrJoin(words, "|");
  return Checked(app->add_option(names, *value, help), kind, [words](std::string& text) -> std::string {
    if (std::find(words.begin(), words.end(), text) != words.end()) return "";
    return absl::StrCat(Quoted(text), " is none of ", absl::StrJoin(words, ", "));
  });
}

CLI::Option* AddFile(CLI::App* app, const std::string& names, std::string* value, const std::string& help) {
  return Checked(app->add_option(names, *value, help), "FILE", [](std::string& text) { return CheckFile(text); });
}

}  // namespace cli
}  // namespace nmq
