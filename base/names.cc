#include "base/names.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {
namespace {

constexpr absl::string_view kOpenEnd = ".**";

struct NameBytes {
  constexpr NameBytes() {
    for (int c = '0'; c <= '9'; ++c) is[c] = true;
    for (int c = 'A'; c <= 'Z'; ++c) is[c] = is[c - 'A' + 'a'] = true;
    for (const char c : {'.', '_', '~', '-'}) is[static_cast<uint8_t>(c)] = true;
  }
  bool is[256] = {};
};
constexpr NameBytes kNameBytes;

bool IsNameByte(char c) { return kNameBytes.is[static_cast<uint8_t>(c)]; }

bool IsPatternByte(char c) { return IsNameByte(c) || c == '*'; }

// Walks the tokens between the dots of `rest`; there is always one.
struct Tokens {
  absl::string_view rest;
  // Whether Next() has another one.
  bool more = true;

  absl::string_view Next() {
    const size_t dot = rest.find('.');
    const absl::string_view token = rest.substr(0, dot);
    more = dot != absl::string_view::npos;
    rest = more ? rest.substr(dot + 1) : absl::string_view();
    return token;
  }
};

}  // namespace

bool IsName(absl::string_view value) {
  for (const char c : value) {
    if (!IsNameByte(c)) return false;
  }
  return !value.empty();
}

absl::Status CheckName(absl::string_view field, absl::string_view value, size_t bytes_max) {
  if (value.size() <= bytes_max && IsName(value)) return absl::OkStatus();
  return InvalidArgument(field, absl::StrCat(Quote(value), " of ", value.size(), " bytes is no name: 1 to ", bytes_max,
                                             " bytes of [A-Za-z0-9._~-]"));
}

Pattern::Pattern(absl::string_view text, Kind kind, bool open_ended)
    : text_(text.data(), text.size()), kind_(kind), open_ended_(open_ended) {}

absl::StatusOr<Pattern> Pattern::Parse(absl::string_view field, absl::string_view text, size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max || !std::all_of(text.begin(), text.end(), IsPatternByte)) {
    return InvalidArgument(field, absl::StrCat(Quote(text), " of ", text.size(), " bytes is no name or pattern: 1 to ",
                                               bytes_max, " bytes of [A-Za-z0-9._~*-]"));
  }
  if (!absl::StrContains(text, '*')) return Pattern(text, Kind::kName, false);
  if (text == "**") return Pattern(text, Kind::kAll, true);
  Tokens tokens{text};
  while (tokens.more) {
    const absl::string_view token = tokens.Next();
    if (!absl::StrContains(token, '*') || token == "*") continue;
    if (token == "**" && !tokens.more) continue;
    const absl::string_view rule = token == "**" ? "`**` may only be the last token"
                                                 : "a wildcard, `*` or `**`, must be all that is between two dots";
    return InvalidArgument(field, absl::StrCat(Quote(text), " is no pattern: ", rule));
  }
  return Pattern(text, Kind::kTokens, absl::EndsWith(text, kOpenEnd));
}

bool Pattern::Matches(absl::string_view name) const {
  if (kind_ == Kind::kName) return name == text_;
  if (kind_ == Kind::kAll) return true;
  absl::string_view fixed = text_;
  if (open_ended_) fixed.remove_suffix(kOpenEnd.size());
  Tokens wanted{fixed};
  Tokens given{name};
  while (wanted.more) {
    if (!given.more) return false;
    const absl::string_view want = wanted.Next();
    const absl::string_view have = given.Next();
    if (want != "*" && want != have) return false;
  }
  return given.more == open_ended_;
}

bool Pattern::Covers(absl::string_view other) const {
  if (kind_ == Kind::kTokens && absl::EndsWith(other, "**") && !open_ended_) return false;
  // A wildcard of the other is like a token that no name has: only a wildcard matches it.
  return Matches(other);
}

}  // namespace nmq
