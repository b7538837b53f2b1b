#include "client/cli/human.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "client/cli/terminal.h"
#include "client/cli/utf8.h"

namespace nmq {
namespace cli {
namespace {

// "GapReason" to "GAP_REASON_".
std::string Prefix(absl::string_view type_name) {
  std::string prefix;
  for (const char c : type_name) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix += '_';
    prefix += absl::ascii_toupper(c);
  }
  return prefix + '_';
}

bool IsControl(char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); }

}  // namespace

std::string Count(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string Bytes(uint64_t value) {
  constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (value < 1024) return absl::StrCat(value, " B");
  double scaled = static_cast<double>(value) / 1024;
  size_t unit = 0;
  // 1023.95 and more would be printed as 1024.
  while (scaled >= 1023.5 && unit + 1 < kUnits.size()) {
    scaled /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.*f %s", scaled < 9.95 ? 1 : 0, scaled, kUnits[unit]);
}

std::string Age(absl::Duration duration) {
  if (duration < absl::ZeroDuration()) duration = absl::ZeroDuration();
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrCat(seconds / 60, "m ", seconds % 60, "s");
  if (seconds < 86400) return absl::StrCat(seconds / 3600, "h ", seconds % 3600 / 60, "m");
  return absl::StrCat(seconds / 86400, "d ", seconds % 86400 / 3600, "h");
}

std::string Rate(double per_second) {
  if (per_second <= 0) return "0";
  if (per_second < 9.95) return absl::StrFormat("%.1f", per_second);
  return Count(static_cast<uint64_t>(std::llround(per_second)));
}

std::string Rfc3339(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone()); }

std::string ClockTime(absl::Time time) { return absl::FormatTime("%H:%M:%E3S", time, absl::LocalTimeZone()); }

std::string Date(absl::Time time) { return absl::FormatTime("%Y-%m-%d", time, absl::LocalTimeZone()); }

std::string EnumName(const google::protobuf::EnumValueDescriptor& value) {
  absl::string_view name = value.name();
  absl::ConsumePrefix(&name, Prefix(value.type()->name()));
  return std::string(name.data(), name.size());
}

std::string EnumWords(absl::string_view enum_name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(enum_name), {{"_", " "}});
}

std::string OneLine(absl::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    const absl::string_view piece = text.substr(0, std::max<size_t>(length, 1));
    // The second are control characters, too: of Unicode.
    const bool control = length == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || control) {
      absl::StrAppend(&line, absl::CHexEscape(piece));
    } else if (IsControl(text[0])) {
      absl::StrAppend(&line, absl::CEscape(piece));
    } else {
      absl::StrAppend(&line, piece);
    }
    text.remove_prefix(piece.size());
  }
  return line;
}

std::string Quoted(absl::string_view text) {
  constexpr size_t kWidthMax = 48;
  return absl::StrCat("\"", CutTo(kWidthMax, OneLine(text)), "\"");
}

}  // namespace cli
}  // namespace nmq
