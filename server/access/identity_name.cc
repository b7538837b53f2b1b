#include "server/access/identity_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {
namespace {

constexpr size_t kBytesMax = 128;

}  // namespace

bool IsIdentityName(absl::string_view name) {
  return !name.empty() && name.size() <= kBytesMax && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '\\' && c != '*';
  });
}

absl::Status CredentialsExpired(absl::string_view what, absl::Time expiry) {
  return Unauthenticated(
      "CREDENTIALS_EXPIRED",
      absl::StrCat("authorization: the ", what, " has expired at ",
                   absl::FormatTime(absl::RFC3339_sec, expiry, absl::UTCTimeZone()), "; get a new one"));
}

}  // namespace nmq
