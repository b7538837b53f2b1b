#include "tests/testing/signed_tokens.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nmq {
namespace {

// What these tests cannot do without.
template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) abort();
  return *std::move(value);
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string PrivatePem(void* pair) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(bio, static_cast<EVP_PKEY*>(pair), nullptr, nullptr, 0, nullptr, nullptr);
  return TextOf(bio);
}

}  // namespace

Signer::Signer(void* pair) : key_(Must(cli::JoseKey::Parse(PrivatePem(pair), "key", /*is_public=*/false))) {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, static_cast<EVP_PKEY*>(pair));
  public_key_ = TextOf(bio);
  EVP_PKEY_free(static_cast<EVP_PKEY*>(pair));
}

Signer Signer::Ed25519() { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }
Signer Signer::P256() { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }
Signer Signer::Rsa(int bits) { return Signer(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits))); }

std::string Signer::Sign(const std::string& claims) const { return Must(key_.Sign(claims)); }
std::string Signer::jwk() const { return Must(key_.PublicJwk()); }

std::string JwksOf(const std::vector<std::string>& jwks) {
  return absl::StrCat(R"({"keys": [)", absl::StrJoin(jwks, ", "), "]}");
}

std::string SecretJwk(const std::string& id, const std::string& secret) {
  return absl::StrCat(R"({"kty": "oct", "kid": ")", id, R"(", "k": ")", absl::WebSafeBase64Escape(secret), "\"}");
}

std::string ClaimsAt(absl::Time now, const std::map<std::string, std::string>& others) {
  std::map<std::string, std::string> claims = {{"iss", "\"https://login.test\""},
                                               {"aud", "\"nmq\""},
                                               {"sub", "\"caller\""},
                                               {"exp", absl::StrCat(absl::ToUnixSeconds(now) + 600)},
                                               {"nbf", absl::StrCat(absl::ToUnixSeconds(now) - 5)}};
  for (const auto& [name, json] : others) claims[name] = json;
  std::vector<std::string> texts;
  for (const auto& [name, json] : claims) {
    if (!json.empty()) texts.push_back(absl::StrCat("\"", name, "\": ", json));
  }
  return absl::StrCat("{", absl::StrJoin(texts, ", "), "}");
}

std::string Joined(const std::string& header, const std::string& claims, const std::string& signature) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims), ".",
                      absl::WebSafeBase64Escape(signature));
}

std::string SignByHmac(const std::string& header, const std::string& claims, const std::string& secret) {
  const std::string text = absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims));
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), made, &size);
  return Joined(header, claims, std::string(reinterpret_cast<const char*>(made), size));
}

}  // namespace nmq
