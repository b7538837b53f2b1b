#ifndef NMQ_SERVER_ACCESS_IDENTITY_NAME_H_
#define NMQ_SERVER_ACCESS_IDENTITY_NAME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq {

// Whether it can be the name of an identity: 1 to 128 bytes of printable ASCII, without spaces, `"`, `\` and `*`. Those
// that login services and clusters give are such names: `system:serviceaccount:shop:api`, `ann@example.com`.
bool IsIdentityName(absl::string_view name);

// What whoever shows something that has expired is told: UNAUTHENTICATED, CREDENTIALS_EXPIRED.
absl::Status CredentialsExpired(absl::string_view what, absl::Time expiry);

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_IDENTITY_NAME_H_
