#ifndef NMQ_SERVER_CALL_CALL_H_
#define NMQ_SERVER_CALL_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/call/quota.h"
#include "server/call/right.h"

namespace google::protobuf {
class Descriptor;
}  // namespace google::protobuf

namespace nmq {

// How a call came.
enum class Transport { kGrpc };

// What is in a client's certificate that was verified.
struct ClientCertificate {
  std::vector<std::string> names;  // its subjectAltName: "URI:spiffe://example.com/api", "DNS:api.example.com"
  absl::Time expiry;
};

// The caller, by what it has shown.
struct Principal {
  enum class Proof : uint8_t { kToken, kJwt, kCertificate };

  std::string name;  // of the identity
  Proof proof = Proof::kToken;
  // By what it is known, which is no secret: the ID of the token, of a signed one its `jti` or the beginning of its
  // hash, or the name in the certificate.
  std::string token_id;
  // What is kept of a token, or the thumbprint of the key that signed it.
  std::string kept;
  absl::Time expiry = absl::InfiniteFuture();
  std::string issuer;               // of a signed token
  std::string terms;                // on which that was taken
  std::vector<std::string> claims;  // what it says, as ClaimText
  Quota quota = {};                 // how much it may have and do
};

// A claim and a value of it, as one text that no other claim has.
inline std::string ClaimText(absl::string_view name, absl::string_view value) {
  return absl::StrCat(name.size(), ":", name, "=", value);
}

// What a transport knows of a call besides its request. The first argument of all that answers calls.
struct Call {
  // A call cannot be made without the right that it needs.
  Call(Right needed, Transport by, std::string from) : right(needed), transport(by), peer(std::move(from)) {}

  Right right;
  Transport transport;
  std::string peer;                            // the address that it came from, as its transport writes it
  std::shared_ptr<const Principal> principal;  // null: callers are not asked who they are
  // Gives the type of its request, by which its rpc is called; null if it is not known yet.
  const google::protobuf::Descriptor* (*request)() = nullptr;
  // On the monotonic clock: nobody waits for the answer later. None: the caller waits for ever.
  std::optional<absl::Duration> deadline;
};

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_CALL_H_
