// Signed tokens (JWT, RFC 7519) and the keys that verify them (JWKS, RFC 7517), for a first try without a login
// service.
#ifndef NMQ_CLIENT_CLI_SIGNED_TOKEN_H_
#define NMQ_CLIENT_CLI_SIGNED_TOKEN_H_

#include <rhonabwy.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// A key in PEM: RSA of 2,048 bits or more, on P-256, or Ed25519. Moves, and is for one thread at a time.
class JoseKey {
 public:
  // A private key, or a public one if `is_public`. INVALID_ARGUMENT, beginning with `file_name`, has nothing of it.
  static absl::StatusOr<JoseKey> Parse(absl::string_view pem, absl::string_view file_name, bool is_public);

  // How it signs: RS256, ES256 or EdDSA.
  absl::string_view algorithm() const { return algorithm_; }
  // What it is known by: its thumbprint, RFC 7638.
  const std::string& id() const { return id_; }

  // A token with these claims, a JSON object. Only of a private key.
  absl::StatusOr<std::string> Sign(const std::string& claims) const;
  // The public key of the pair, as JSON.
  absl::StatusOr<std::string> PublicJwk() const;

 private:
  struct Free {
    void operator()(jwk_t* jwk) const { r_jwk_free(jwk); }
  };

  std::unique_ptr<jwk_t, Free> key_;
  std::string algorithm_;
  std::string id_;
};

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_SIGNED_TOKEN_H_
