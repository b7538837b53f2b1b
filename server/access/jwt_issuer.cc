#include "server/access/jwt_issuer.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "server/access/identity_name.h"

namespace nmq {
namespace {

// The last second of the year 9999.
constexpr double kSecondsMax = 253402300799.0;

absl::Status Unknown(absl::string_view why) {
  return Unauthenticated("CREDENTIALS_UNKNOWN", absl::StrCat("authorization: the token ", why));
}

absl::string_view TextOf(const json_t* value) {
  return json_is_string(value) ? absl::string_view(json_string_value(value), json_string_length(value)) : "";
}

// Whether each part is there, and base64url without padding.
bool HasThreeParts(absl::string_view token) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  const auto is_part = [](absl::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(),
                                        [](unsigned char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_'; });
  };
  return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), is_part);
}

// Seconds since 1970, in or out of a claim; none if it has something else.
absl::StatusOr<std::optional<absl::Time>> TimeOf(const json_t* claims, const char* name) {
  const json_t* const value = json_object_get(claims, name);
  if (value == nullptr) return std::nullopt;
  const double seconds = json_is_number(value) ? json_number_value(value) : -1;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return Unknown(absl::StrCat("has no time in ", name));
  return absl::FromUnixSeconds(0) + absl::Seconds(seconds);
}

// The library compares these byte by byte, and stops at the first that differs.
bool HmacIs(const std::string& secret, absl::string_view token) {
  const size_t end = token.rfind('.');
  std::string given;
  if (!absl::WebSafeBase64Unescape(token.substr(end + 1), &given)) return false;
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(token.data()), end, made, &size);
  return given.size() == size && CRYPTO_memcmp(given.data(), made, size) == 0;
}

// What the token says that a grant may ask for: texts, and lists of them.
std::vector<std::string> ClaimsOf(json_t* claims) {
  std::vector<std::string> texts;
  const char* name;
  json_t* value;
  json_object_foreach(claims, name, value) {
    if (json_is_string(value)) texts.push_back(ClaimText(name, TextOf(value)));
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); ++i) {
      const json_t* const one = json_array_get(value, i);
      if (json_is_string(one)) texts.push_back(ClaimText(name, TextOf(one)));
    }
  }
  return texts;
}

// All that the RFC calls by these names, and nothing else, such as a logout token or a proof.
bool IsTypeTaken(const json_t* header) {
  const json_t* const type = json_object_get(header, "typ");
  if (type == nullptr) return true;
  absl::string_view name = TextOf(type);
  if (absl::StartsWithIgnoreCase(name, "application/")) name.remove_prefix(12);
  return absl::EqualsIgnoreCase(name, "JWT") || absl::EqualsIgnoreCase(name, "at+jwt");
}

std::string StampOf(const JwtIssuer::Terms& terms) {
  std::vector<absl::string_view> algorithms;
  for (const JwsAlgorithm algorithm : terms.algorithms) algorithms.push_back(NameOf(algorithm));
  return absl::StrJoin({terms.issuer, absl::StrJoin(terms.audience, "\n"), absl::StrJoin(algorithms, " "),
                        terms.identity_claim, terms.identity_prefix},
                       "\n\n");
}

// What tells it from others of its issuer, as whoever writes it down needs it.
std::string IdOf(absl::string_view text, const json_t* claims) {
  constexpr size_t kIdBytesMax = 128;
  constexpr size_t kHashBytes = 8;
  const absl::string_view id = TextOf(json_object_get(claims, "jti"));
  if (!id.empty() && id.size() <= kIdBytesMax) return std::string(id);
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  return absl::StrCat("sha256:", absl::BytesToHexString({reinterpret_cast<const char*>(hash), kHashBytes}));
}

}  // namespace

absl::StatusOr<Jwt> Jwt::Parse(absl::string_view token) {
  if (token.size() > kBytesMax) {
    return Unknown(absl::StrCat("has ", token.size(), " bytes; at most ", kBytesMax, " are taken"));
  }
  if (!HasThreeParts(token)) return Unknown("is no signed token (JWT): it has not three parts in base64url");
  SetUpJose();
  Jwt parsed;
  parsed.text_ = std::string(token);
  jwt_t* made = nullptr;
  if (r_jwt_init(&made) != RHN_OK) return absl::ResourceExhaustedError("no memory for a token");
  parsed.token_.reset(made);
  // No key that it brings along, and none without a signature.
  if (r_jwt_advanced_parsen(made, token.data(), token.size(), R_PARSE_NONE, R_FLAG_IGNORE_REMOTE) != RHN_OK) {
    return Unknown("is no signed token (JWT) that can be read; one without a signature is none");
  }
  parsed.header_.reset(r_jwt_get_full_header_json_t(made));
  parsed.claims_.reset(r_jwt_get_full_claims_json_t(made));
  if (!json_is_object(parsed.header_.get()) || !json_is_object(parsed.claims_.get())) {
    return Unknown("is no signed token (JWT): its header or its claims are no object");
  }
  return parsed;
}

absl::string_view Jwt::issuer() const { return TextOf(json_object_get(claims_.get(), "iss")); }

JwtIssuer::JwtIssuer(Terms terms) : terms_(std::move(terms)), stamp_(StampOf(terms_)) {}

absl::StatusOr<const JwsKey*> JwtIssuer::FindKey(const Jwt& token) const {
  const json_t* const header = token.header_.get();
  const absl::string_view name = TextOf(json_object_get(header, "alg"));
  const std::optional<JwsAlgorithm> algorithm = JwsAlgorithmOf(name);
  if (!algorithm ||
      std::find(terms_.algorithms.begin(), terms_.algorithms.end(), *algorithm) == terms_.algorithms.end()) {
    return Unknown(absl::StrCat("is signed by ", Quote(name), ", which is not taken from its issuer"));
  }
  if (json_object_get(header, "crit") != nullptr) return Unknown("has crit, of which nothing is understood here");
  if (!IsTypeTaken(header)) return Unknown("is of another type than JWT or at+jwt");
  const json_t* const id = json_object_get(header, "kid");
  if (id != nullptr && TextOf(id).empty()) return Unknown("has a kid that is no text");
  const JwsKey* const key = terms_.keys->Find(*algorithm, TextOf(id));
  if (key != nullptr) return key;
  if (id == nullptr) return Unknown("has no kid, and its issuer not exactly one key of its type");
  return Unknown(absl::StrCat("is signed by a key that its issuer has not, or has no more: ", Quote(TextOf(id))));
}

absl::Status JwtIssuer::CheckAudience(const json_t* claims) const {
  const json_t* const audience = json_object_get(claims, "aud");
  const auto is_taken = [&](const json_t* one) {
    return json_is_string(one) &&
           std::find(terms_.audience.begin(), terms_.audience.end(), TextOf(one)) != terms_.audience.end();
  };
  if (is_taken(audience)) return absl::OkStatus();
  for (size_t i = 0; json_is_array(audience) && i < json_array_size(audience); ++i) {
    if (is_taken(json_array_get(audience, i))) return absl::OkStatus();
  }
  return Unauthenticated("CREDENTIALS_WRONG_AUDIENCE",
                         "authorization: the token is for others: its aud is none that this server takes; ask for one "
                         "for this server");
}

absl::StatusOr<absl::Time> JwtIssuer::CheckTimes(const json_t* claims, absl::Time now) const {
  const auto expiry = TimeOf(claims, "exp");
  if (!expiry.ok()) return expiry.status();
  if (!expiry->has_value()) return Unknown("has no exp, so that it would be good for ever");
  if (now >= **expiry) return CredentialsExpired("token", **expiry);
  for (const char* name : {"nbf", "iat"}) {
    const auto since = TimeOf(claims, name);
    if (!since.ok()) return since.status();
    if (!since->has_value() || **since <= now + terms_.leeway) continue;
    return Unauthenticated(
        "CREDENTIALS_NOT_YET_VALID",
        absl::StrCat("authorization: the token is good from ",
                     absl::FormatTime(absl::RFC3339_sec, **since, absl::UTCTimeZone()), " on only, by its ", name,
                     "; look at the clocks of its issuer and this server"));
  }
  return **expiry;
}

absl::StatusOr<std::string> JwtIssuer::IdentityOf(const json_t* claims) const {
  const json_t* const claim = json_object_get(claims, terms_.identity_claim.c_str());
  if (!json_is_string(claim)) return Unknown(absl::StrCat("has no text in ", terms_.identity_claim));
  std::string name = absl::StrCat(terms_.identity_prefix, TextOf(claim));
  if (!IsIdentityName(name)) return Unknown(absl::StrCat("names an identity that cannot be: ", Quote(name)));
  return name;
}

absl::StatusOr<Principal> JwtIssuer::Verify(const Jwt& token, absl::Time now) const {
  if (token.issuer() != terms_.issuer) return Unknown("is of another issuer");
  const auto key = FindKey(token);
  if (!key.ok()) return key.status();
  if (((*key)->algorithm == JwsAlgorithm::kHs256 && !HmacIs((*key)->secret, token.text_)) ||
      r_jwt_verify_signature(token.token_.get(), (*key)->key.get(), R_FLAG_IGNORE_REMOTE) != RHN_OK) {
    return Unknown("is not signed by the key that it names");
  }
  json_t* const claims = token.claims_.get();
  const absl::Status audience = CheckAudience(claims);
  if (!audience.ok()) return audience;
  const auto expiry = CheckTimes(claims, now);
  if (!expiry.ok()) return expiry.status();
  auto name = IdentityOf(claims);
  if (!name.ok()) return name.status();
  Principal principal;
  principal.name = *std::move(name);
  principal.proof = Principal::Proof::kJwt;
  principal.token_id = IdOf(token.text_, claims);
  principal.terms = stamp_;
  principal.kept = (*key)->thumbprint;
  principal.expiry = *expiry;
  principal.issuer = terms_.issuer;
  principal.claims = ClaimsOf(claims);
  return principal;
}

bool JwtIssuer::Knows(const Principal& principal) const {
  return principal.proof == Principal::Proof::kJwt && principal.terms == stamp_ &&
         terms_.keys->HasThumbprint(principal.kept);
}

}  // namespace nmq
