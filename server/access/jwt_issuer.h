#ifndef NMQ_SERVER_ACCESS_JWT_ISSUER_H_
#define NMQ_SERVER_ACCESS_JWT_ISSUER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/access/jwks.h"
#include "server/call/call.h"

namespace nmq {

// A signed token (JWT) in its compact form, parsed and not verified. Immutable.
class Jwt {
 public:
  static constexpr size_t kBytesMax = 8 << 10;

  // Whether it looks like one: nothing else that stands for a caller has dots.
  static bool IsMaybe(absl::string_view token) { return token.find('.') != absl::string_view::npos; }

  // UNAUTHENTICATED, as all that follows, for what is none.
  static absl::StatusOr<Jwt> Parse(absl::string_view token);

  // Its `iss`; empty if it has none.
  absl::string_view issuer() const;

 private:
  friend class JwtIssuer;

  struct TokenFree {
    void operator()(jwt_t* token) const { r_jwt_free(token); }
  };
  struct JsonFree {
    void operator()(json_t* json) const { json_decref(json); }
  };

  Jwt() = default;

  std::string text_;
  std::unique_ptr<jwt_t, TokenFree> token_;
  std::unique_ptr<json_t, JsonFree> header_;
  std::unique_ptr<json_t, JsonFree> claims_;
};

// Somebody whose tokens are taken, and which: proto nmq.config.v1.Jwt. What RFC 8725 asks for. Immutable.
class JwtIssuer {
 public:
  static constexpr absl::Duration kLeewayMax = absl::Minutes(5);

  // On which terms. All set; `keys` has one for each algorithm at least.
  struct Terms {
    std::string issuer;
    std::vector<std::string> audience;
    std::vector<JwsAlgorithm> algorithms;
    std::string identity_claim = "sub";
    std::string identity_prefix;
    absl::Duration leeway = absl::Seconds(30);
    std::shared_ptr<const Jwks> keys;
  };
  explicit JwtIssuer(Terms terms);

  // The caller that the token, which is of this issuer, stands for at this time of day. UNAUTHENTICATED says why there
  // is none; the reason is CREDENTIALS_EXPIRED, CREDENTIALS_NOT_YET_VALID, CREDENTIALS_WRONG_AUDIENCE, or
  // CREDENTIALS_UNKNOWN for all else.
  absl::StatusOr<Principal> Verify(const Jwt& token, absl::Time now) const;

  // Whether it would still take the token that `principal` has shown: its terms are the same, and the key is there.
  bool Knows(const Principal& principal) const;

  const std::string& name() const { return terms_.issuer; }

 private:
  absl::StatusOr<const JwsKey*> FindKey(const Jwt& token) const;
  absl::Status CheckAudience(const json_t* claims) const;
  absl::StatusOr<absl::Time> CheckTimes(const json_t* claims, absl::Time now) const;
  absl::StatusOr<std::string> IdentityOf(const json_t* claims) const;

  const Terms terms_;
  const std::string stamp_;  // of the terms, without the keys
};

}  // namespace nmq

#endif  // NMQ_SERVER_ACCESS_JWT_ISSUER_H_
