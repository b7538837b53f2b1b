#ifndef NMQ_SERVER_ACCESS_PUBLIC_KEY_H_
#define NMQ_SERVER_ACCESS_PUBLIC_KEY_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace nmq {

inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 16384;

// Whether signatures may be verified by a public key of RSA, on P-256 or of Ed25519, that is given as a
// SubjectPublicKeyInfo in DER. INVALID_ARGUMENT, with what is wrong, for one by which nobody's signature is good, or
// anybody's. Nothing of the key is in the message. Thread-safe.
absl::Status CheckPublicKey(absl::string_view der);

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_PUBLIC_KEY_H_
