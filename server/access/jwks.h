#ifndef NMQ_SERVER_ACCESS_JWKS_H_
#define NMQ_SERVER_ACCESS_JWKS_H_

#include <rhonabwy.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {

// Sets up the library for keys and tokens, once; to be called before it is used.
void SetUpJose();

// How tokens may be signed. Each goes with one type of key, so that no key is taken for another's: RFC 8725, 3.1.
enum class JwsAlgorithm { kRs256, kEs256, kEdDsa, kHs256 };

// RS256 and so on.
absl::string_view NameOf(JwsAlgorithm algorithm);
std::optional<JwsAlgorithm> JwsAlgorithmOf(absl::string_view name);

// A key to verify tokens with.
struct JwsKey {
  struct Free {
    void operator()(jwk_t* jwk) const { r_jwk_free(jwk); }
  };

  std::string id;  // `kid`; may be empty
  JwsAlgorithm algorithm;
  std::string thumbprint;  // RFC 7638: of what the key is, whatever it is called
  std::unique_ptr<jwk_t, Free> key;
  std::string secret;  // of HS256
};

// A JSON Web Key Set, RFC 7517. Immutable.
class Jwks {
 public:
  static constexpr size_t kBytesMax = 1 << 20;
  static constexpr size_t kKeysMax = 100;
  static constexpr size_t kSecretBytesMin = 32;

  // INVALID_ARGUMENT, beginning with `file_name`, for what is no set of keys, has a key that is too short, too long,
  // private or by which nobody or anybody could sign, or two that cannot be told apart. Nothing of a key is in it. Keys
  // of other types, and those for encryption, are left out, as the RFC wants.
  static absl::StatusOr<std::unique_ptr<Jwks>> Parse(absl::string_view json, absl::string_view file_name);

  // The key that a token names by `id`; without one, the only one of the algorithm. Null if there is none.
  const JwsKey* Find(JwsAlgorithm algorithm, absl::string_view id) const;
  // Whether one for this algorithm is there.
  bool Has(JwsAlgorithm algorithm) const;
  bool HasThumbprint(absl::string_view thumbprint) const;

  size_t size() const { return keys_.size(); }

 private:
  std::vector<JwsKey> keys_;
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_JWKS_H_
