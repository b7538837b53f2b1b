// Tokens that somebody signs (JWT), good ones and others, for tests.
#ifndef NMQ_TESTS_TESTING_SIGNED_TOKENS_H_
#define NMQ_TESTS_TESTING_SIGNED_TOKENS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/signed_token.h"

namespace nmq {

// Somebody with a key of its own.
class Signer {
 public:
  // Of Ed25519, on P-256, or of RSA with so many bits.
  static Signer Ed25519();
  static Signer P256();
  static Signer Rsa(int bits = 2048);

  std::string Sign(const std::string& claims) const;
  std::string jwk() const;
  const std::string& id() const { return key_.id(); }
  // In PEM.
  const std::string& public_key() const { return public_key_; }

 private:
  explicit Signer(void* pair);

  cli::JoseKey key_;
  std::string public_key_;
};

// A key set of these keys, in JSON.
std::string JwksOf(const std::vector<std::string>& jwks);
std::string SecretJwk(const std::string& id, const std::string& secret);

// {"iss": "https://login.test", "aud": "nmq", "sub": "caller", "exp": ..., "nbf": ...} around `now`, with these claims
// instead or besides: JSON by their names. One that is empty is left out.
std::string ClaimsAt(absl::Time now, const std::map<std::string, std::string>& others = {});

// HEADER.CLAIMS.SIGNATURE of two JSON texts, with the HMAC (HS256) of this secret, or with these bytes.
std::string SignByHmac(const std::string& header, const std::string& claims, const std::string& secret);
std::string Joined(const std::string& header, const std::string& claims, const std::string& signature);

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_SIGNED_TOKENS_H_
