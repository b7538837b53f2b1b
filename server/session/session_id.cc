#include "server/session/session_id.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

constexpr size_t kClientIdRandomBytes = 8;
constexpr size_t kSecretBytes = 20;

absl::Status Unknown(absl::string_view message) { return NotFound("SESSION_UNKNOWN", message); }

}  // namespace

std::string SessionIds::NewClientId() { return absl::StrCat("c-", RandomName(*random_, kClientIdRandomBytes)); }

std::string SessionIds::NewSession(absl::string_view client_id) {
  return absl::StrCat(client_id, ".", run_, ".", RandomName(*random_, kSecretBytes));
}

absl::StatusOr<absl::string_view> SessionIds::ClientOf(absl::string_view session) const {
  if (session.empty()) return InvalidArgument("session", "is empty; Connect gives one");
  const size_t first = session.find('.');
  const size_t second = first == session.npos ? session.npos : session.find('.', first + 1);
  if (second == session.npos || session.find('.', second + 1) != session.npos) {
    return Unknown("session: is none that this server gave; Connect gives one");
  }
  if (session.substr(first + 1, second - first - 1) != run_) {
    return Unknown("session: is of another run of the server; Connect again");
  }
  return session.substr(0, first);
}

bool SameSecret(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

}  // namespace nmq::broker
