#include "server/reference.h"

#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/limits/limits.h"

namespace nmq {

std::string EnvironmentName(absl::string_view flag) { return absl::StrCat("NMQ_", absl::AsciiStrToUpper(flag)); }

std::string Reference(absl::Span<const char* const> flags) {
  std::string text = "| flag | environment | default | what it is |\n|---|---|---|---|\n";
  for (const char* name : flags) {
    const absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "| `--", name, "` | `", EnvironmentName(name), "` | ",
                    value.empty() ? "" : absl::StrCat("`", value, "`"), " | ", flag->Help(), " |\n");
  }
  return absl::StrCat(text, "\n", LimitsTable());
}

}  // namespace nmq
