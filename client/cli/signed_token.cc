#include "client/cli/signed_token.h"

#include <jansson.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"

namespace nmq {
namespace cli {
namespace {

constexpr unsigned kRsaBitsMin = 2048;

struct TokenFree {
  void operator()(jwt_t* token) const { r_jwt_free(token); }
};

std::string Taken(char* text) {
  std::string taken = text == nullptr ? "" : text;
  r_free(text);
  return taken;
}

// Empty if the key is none that tokens are signed with here.
std::string AlgorithmOf(jwk_t* key) {
  unsigned bits = 0;
  const int type = r_jwk_key_type(key, &bits, R_FLAG_IGNORE_REMOTE);
  const char* const curve = r_jwk_get_property_str(key, "crv");
  const absl::string_view its_curve = curve == nullptr ? "" : curve;
  if ((type & R_KEY_TYPE_RSA) != 0) return bits >= kRsaBitsMin ? "RS256" : "";
  if (its_curve == "P-256") return "ES256";
  return its_curve == "Ed25519" ? "EdDSA" : "";
}

}  // namespace

absl::StatusOr<JoseKey> JoseKey::Parse(absl::string_view pem, absl::string_view file_name, bool is_public) {
  static const int set_up = r_global_init();
  static_cast<void>(set_up);
  jwk_t* made = nullptr;
  if (r_jwk_init(&made) != RHN_OK) return absl::ResourceExhaustedError("no memory for a key");
  JoseKey key;
  key.key_.reset(made);
  if (r_jwk_import_from_pem_der(made, is_public ? R_X509_TYPE_PUBKEY : R_X509_TYPE_PRIVKEY, R_FORMAT_PEM,
                                reinterpret_cast<const unsigned char*>(pem.data()), pem.size()) != RHN_OK) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ": has no ", is_public ? "public" : "private",
                     " key in PEM; openssl genpkey -algorithm ed25519 makes a private one, openssl pkey -pubout its "
                     "public one"));
  }
  key.algorithm_ = AlgorithmOf(made);
  if (key.algorithm_.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ": is no key of Ed25519, on P-256, or of RSA with ", kRsaBitsMin, " bits or more"));
  }
  key.id_ = Taken(r_jwk_thumbprint(made, R_JWK_THUMB_SHA256, R_FLAG_IGNORE_REMOTE));
  return key;
}

absl::StatusOr<std::string> JoseKey::Sign(const std::string& claims) const {
  jwt_t* made = nullptr;
  if (r_jwt_init(&made) != RHN_OK) return absl::ResourceExhaustedError("no memory for a token");
  const std::unique_ptr<jwt_t, TokenFree> token(made);
  const bool filled = r_jwt_set_full_claims_json_str(made, claims.c_str()) == RHN_OK &&
                      r_jwt_set_header_str_value(made, "typ", "JWT") == RHN_OK &&
                      r_jwt_set_header_str_value(made, "kid", id_.c_str()) == RHN_OK &&
                      r_jwt_set_sign_alg(made, r_str_to_jwa_alg(algorithm_.c_str())) == RHN_OK;
  if (!filled) return absl::InvalidArgumentError("the claims are no JSON object");
  std::string text = Taken(r_jwt_serialize_signed(made, key_.get(), R_FLAG_IGNORE_REMOTE));
  if (text.empty()) return absl::InternalError("the key does not sign");
  return text;
}

absl::StatusOr<std::string> JoseKey::PublicJwk() const {
  // Of a private key nothing else goes.
  const std::unique_ptr<json_t, void (*)(json_t*)> all(r_jwk_export_to_json_t(key_.get()),
                                                       [](json_t* json) { json_decref(json); });
  const std::unique_ptr<json_t, void (*)(json_t*)> out(json_object(), [](json_t* json) { json_decref(json); });
  for (const char* name : {"kty", "crv", "x", "y", "n", "e"}) {
    if (json_t* const value = json_object_get(all.get(), name)) json_object_set(out.get(), name, value);
  }
  json_object_set_new(out.get(), "kid", json_string(id_.c_str()));
  json_object_set_new(out.get(), "alg", json_string(algorithm_.c_str()));
  json_object_set_new(out.get(), "use", json_string("sig"));
  char* const text = json_dumps(out.get(), JSON_COMPACT);
  if (text == nullptr) return absl::ResourceExhaustedError("no memory for a key");
  std::string jwk = text;
  free(text);
  return jwk;
}

}  // namespace cli
}  // namespace nmq
