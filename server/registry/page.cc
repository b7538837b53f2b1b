#include "server/registry/page.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/names.h"

namespace nmq::broker {
namespace {

constexpr absl::string_view kVersion = "1";
// Part of no name.
constexpr char kSeparator = '/';
// Longer than any name or id.
constexpr size_t kKeyBytesMax = 4 << 10;

// What all tokens of a list in a namespace begin with.
std::string Prefix(absl::string_view list, absl::string_view name_space) {
  std::string prefix = absl::StrCat(kVersion, "/", list, "/", name_space);
  prefix.push_back(kSeparator);
  return prefix;
}

}  // namespace

std::string PageToken(absl::string_view list, absl::string_view name_space, absl::string_view key) {
  return absl::WebSafeBase64Escape(absl::StrCat(Prefix(list, name_space), key));
}

absl::StatusOr<std::string> KeyOfPageToken(absl::string_view list, absl::string_view name_space,
                                           absl::string_view token) {
  if (token.empty()) return std::string();
  const std::string prefix = Prefix(list, name_space);
  std::string text;
  if (absl::WebSafeBase64Unescape(token, &text) && absl::StartsWith(text, prefix)) {
    std::string key = text.substr(prefix.size());
    // A name or an id, or a queue's and a group's.
    const std::vector<absl::string_view> names = absl::StrSplit(key, kSeparator);
    if (names.size() <= 2 && std::all_of(names.begin(), names.end(), [](absl::string_view name) {
          return CheckName("page_token", name, kKeyBytesMax).ok();
        })) {
      return key;
    }
  }
  return InvalidArgument("page_token", "was not made by this call in this namespace; begin again with an empty one");
}

}  // namespace nmq::broker
