#include "server/access/certificate_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"

namespace nmq {
namespace {

constexpr size_t kUriBytesMax = 1 << 10;
constexpr size_t kDnsBytesMax = 253;
constexpr size_t kLabelBytesMax = 63;
constexpr size_t kToldMax = 3;

bool IsLabel(absl::string_view label) {
  return !label.empty() && label.size() <= kLabelBytesMax &&
         std::all_of(label.begin(), label.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
}

// Not an address, which ends in a number.
bool IsDnsName(absl::string_view text) {
  if (text.size() > kDnsBytesMax) return false;
  const std::vector<absl::string_view> labels = absl::StrSplit(text, '.');
  return std::all_of(labels.begin(), labels.end(), IsLabel) &&
         !std::all_of(labels.back().begin(), labels.back().end(), absl::ascii_isdigit);
}

// RFC 3986, 3.1.
bool IsUri(absl::string_view text) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || colon + 1 == text.size() || text.size() > kUriBytesMax) return false;
  const absl::string_view scheme = text.substr(0, colon);
  return !scheme.empty() && absl::ascii_isalpha(static_cast<unsigned char>(scheme[0])) &&
         std::all_of(scheme.begin(), scheme.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '+' || c == '-' || c == '.'; }) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isgraph(c); });
}

}  // namespace

std::optional<std::string> CertificateNameOf(absl::string_view text) {
  // No DNS name has a colon, and each URI has one.
  if (IsDnsName(text)) return absl::StrCat("DNS:", absl::AsciiStrToLower(text));
  if (IsUri(text)) return absl::StrCat("URI:", text);
  return std::nullopt;
}

std::string DescribeCertificateNames(const std::vector<std::string>& names) {
  if (names.empty()) return "it has no DNS name and no URI as subjectAltName";
  const size_t told = std::min(names.size(), kToldMax);
  const auto quote = [](std::string* text, const std::string& name) { text->append(Quote(name)); };
  std::string text = absl::StrCat("its names are ", absl::StrJoin(names.begin(), names.begin() + told, ", ", quote));
  if (told < names.size()) absl::StrAppend(&text, " and ", names.size() - told, " more");
  return text;
}

}  // namespace nmq
