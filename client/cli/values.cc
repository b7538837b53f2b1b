#include "client/cli/values.h"

#include <cmath>
#include <limits>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace nmq {
namespace cli {
namespace {

// The part of `*text` that is a decimal number, taken off; empty if it begins with none.
absl::string_view TakeNumber(absl::string_view* text) {
  size_t size = 0;
  while (size < text->size() && (absl::ascii_isdigit((*text)[size]) || (*text)[size] == '.')) ++size;
  const absl::string_view number = text->substr(0, size);
  text->remove_prefix(size);
  return number;
}

// `number` times `unit`, if that is whole and fits.
std::optional<uint64_t> Times(absl::string_view number, uint64_t unit) {
  uint64_t whole = 0;
  if (absl::SimpleAtoi(number, &whole)) {
    if (whole > std::numeric_limits<uint64_t>::max() / unit) return std::nullopt;
    return whole * unit;
  }
  double value = 0;
  if (number.empty() || !absl::SimpleAtod(number, &value)) return std::nullopt;
  value = std::round(value * static_cast<double>(unit));
  if (unit == 1 || value >= 1e18) return std::nullopt;
  return static_cast<uint64_t>(value);
}

std::optional<uint64_t> WithUnit(absl::string_view text, const std::map<std::string, uint64_t>& units) {
  const absl::string_view number = TakeNumber(&text);
  const auto unit = units.find(absl::AsciiStrToLower(absl::StripLeadingAsciiWhitespace(text)));
  if (unit == units.end()) return std::nullopt;
  return Times(number, unit->second);
}

}  // namespace

std::optional<uint64_t> ParseCount(absl::string_view text) {
  static const auto* const kUnits = new std::map<std::string, uint64_t>{{"", 1}, {"k", 1'000}, {"m", 1'000'000}};
  return WithUnit(absl::StrReplaceAll(text, {{",", ""}}), *kUnits);
}

std::optional<uint64_t> ParseSize(absl::string_view text) {
  static const auto* const kUnits = [] {
    auto* units = new std::map<std::string, uint64_t>{{"", 1}, {"b", 1}};
    uint64_t thousands = 1;
    uint64_t binary = 1;
    for (const char* letter : {"k", "m", "g", "t", "p"}) {
      (*units)[absl::StrCat(letter, "b")] = thousands *= 1000;
      (*units)[letter] = (*units)[absl::StrCat(letter, "ib")] = binary *= 1024;
    }
    return units;
  }();
  return WithUnit(text, *kUnits);
}

std::optional<absl::Duration> ParseSpan(absl::string_view text) {
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return std::nullopt;
  absl::Duration sum;
  while (!text.empty()) {
    const std::string number(TakeNumber(&text));
    size_t size = 0;
    while (size < text.size() && absl::ascii_isalpha(text[size])) ++size;
    std::string unit(text.substr(0, size));
    text.remove_prefix(size);
    int factor = 1;
    if (unit == "d" || unit == "w") factor = unit == "d" ? 24 : 7 * 24;
    if (factor > 1) unit = "h";
    if (unit == "min") unit = "m";
    absl::Duration part;
    if (number.empty() || unit.empty() || !absl::ParseDuration(number + unit, &part)) return std::nullopt;
    sum += factor * part;
  }
  return sum;
}

std::optional<absl::Time> ParseWhen(absl::string_view text, absl::Time now, const absl::TimeZone& local) {
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return time;
  for (const char* format :
       {"%Y-%m-%dT%H:%M:%E*S", "%Y-%m-%d %H:%M:%E*S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    if (absl::ParseTime(format, text, local, &time, nullptr)) return time;
  }
  const std::optional<absl::Duration> ago = ParseSpan(text);
  if (!ago.has_value()) return std::nullopt;
  return now - *ago;
}

std::string SpanText(absl::Duration span) {
  absl::Duration rest;
  const int64_t days = absl::IDivDuration(span, absl::Hours(24), &rest);
  if (days == 0) return absl::FormatDuration(span);
  return absl::StrCat(days, "d", rest == absl::ZeroDuration() ? "" : absl::FormatDuration(rest));
}

}  // namespace cli
}  // namespace nmq
