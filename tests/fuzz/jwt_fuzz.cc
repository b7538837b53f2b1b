// Signed tokens (JWT) as anybody may show them, and key sets (JWKS) as their file may have them.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "server/access/identity_name.h"
#include "server/access/jwks.h"
#include "server/access/jwt_issuer.h"

namespace {

constexpr char kSecret[] = "Canary5f0c, which is thirty-two bytes or more";
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

const nmq::JwtIssuer& Issuer() {
  static const nmq::JwtIssuer& issuer = *[] {
    nmq::JwtIssuer::Terms terms;
    terms.issuer = "i";
    terms.audience = {"a"};
    terms.algorithms = {nmq::JwsAlgorithm::kHs256, nmq::JwsAlgorithm::kEdDsa, nmq::JwsAlgorithm::kEs256,
                        nmq::JwsAlgorithm::kRs256};
    auto keys = nmq::Jwks::Parse(
        absl::StrCat(R"({"keys": [{"kty": "oct", "kid": "s", "k": ")", absl::WebSafeBase64Escape(kSecret),
                     R"("}, {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})"),
        "keys");
    CHECK(keys.ok()) << keys.status();
    terms.keys = *std::move(keys);
    return new nmq::JwtIssuer(std::move(terms));
  }();
  return issuer;
}

absl::StatusOr<nmq::Principal> Verify(absl::string_view token) {
  const auto parsed = nmq::Jwt::Parse(token);
  if (!parsed.ok()) return parsed.status();
  return Issuer().Verify(*parsed, kNow);
}

void CheckRefusal(const absl::Status& status) {
  CHECK(absl::IsUnauthenticated(status)) << status;
  CHECK(!absl::StrContains(status.message(), "Canary5f0c")) << status;
}

std::string Signed(absl::string_view header, absl::string_view claims) {
  const std::string text = absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims));
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), kSecret, sizeof(kSecret) - 1, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       made, &size);
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape({reinterpret_cast<const char*>(made), size}));
}

// Nobody has the secret, so nothing that comes is good.
void CheckShown(absl::string_view token) { CheckRefusal(Verify(token).status()); }

// What is signed by the secret is good only if it says all that it must.
void CheckSigned(absl::string_view header, absl::string_view claims) {
  const auto principal = Verify(Signed(header, claims));
  if (!principal.ok()) return CheckRefusal(principal.status());
  CHECK(nmq::IsIdentityName(principal->name));
  CHECK(principal->expiry > kNow);
  CHECK(absl::StrContains(header, "HS256"));
  CHECK(Issuer().Knows(*principal));
}

void CheckKeys(absl::string_view json) {
  const auto keys = nmq::Jwks::Parse(json, "file.jwks");
  if (keys.ok()) {
    CHECK_GT((*keys)->size(), 0u);
    CHECK_LE((*keys)->size(), nmq::Jwks::kKeysMax);
  } else {
    CHECK(absl::StrContains(keys.status().message(), "file.jwks")) << keys.status();
  }
}

}  // namespace

// The first byte says where the input is cut into a header and claims; 0: it is a token; 255: a key set.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) {
    CheckShown(all);
  } else if (data[0] == 255) {
    CheckKeys(all);
  } else {
    const absl::string_view header = all.substr(0, data[0]);
    CheckSigned(header, all.substr(header.size()));
  }
  return 0;
}
