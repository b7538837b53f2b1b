// The names that nmq's things have, and the patterns that pick some of them.
#ifndef NMQ_BASE_NAMES_H_
#define NMQ_BASE_NAMES_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {

// Whether `value` is one or more bytes of [A-Za-z0-9._~-].
bool IsName(absl::string_view value);

// OK if `value` is 1 to `bytes_max` bytes of [A-Za-z0-9._~-], else INVALID_ARGUMENT for `field`.
absl::Status CheckName(absl::string_view field, absl::string_view value, size_t bytes_max = 128);

// Which names: a name stands for itself, `*` for any one token between dots, a trailing `**` for one or more tokens;
// `**` alone matches every name. Tokens may be empty: "a..b" has three. Immutable, so thread-safe.
class Pattern {
 public:
  // INVALID_ARGUMENT for `field` if `text` is no pattern of 1 to `bytes_max` bytes.
  static absl::StatusOr<Pattern> Parse(absl::string_view field, absl::string_view text, size_t bytes_max = 128);

  // Whether `name`, which must be a name, is one of those. Allocates nothing.
  bool Matches(absl::string_view name) const;

  // Whether it matches each name that `other`, a name or the text of a pattern, stands for. Allocates nothing.
  bool Covers(absl::string_view other) const;

  // No wildcard: matches text() alone.
  bool IsName() const { return kind_ == Kind::kName; }
  // `**`.
  bool MatchesAll() const { return kind_ == Kind::kAll; }
  const std::string& text() const { return text_; }

  friend bool operator==(const Pattern& a, const Pattern& b) { return a.text_ == b.text_; }

 private:
  enum class Kind { kName, kAll, kTokens };

  Pattern(absl::string_view text, Kind kind, bool open_ended);

  std::string text_;
  Kind kind_;
  // Of kTokens: whether it ends in ".**".
  bool open_ended_;
};

}  // namespace nmq

#endif  // NMQ_BASE_NAMES_H_
