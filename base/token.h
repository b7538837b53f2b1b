// Tokens by which a caller says who it is: "nmq_ID_SECRET", such as nmq_4k2xq7ha_..., and what is kept of one by a
// server that knows it again: "ID.SALT.HASH", of which nobody can make the token.
#ifndef NMQ_BASE_TOKEN_H_
#define NMQ_BASE_TOKEN_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/random.h"

namespace nmq {

struct NewToken {
  std::string token;
  std::string kept;
};
// One that nobody has had before. Its secret has 160 random bits, so a fast hash is as good as a slow one.
NewToken MakeToken(Random& random);

// The ID of a token, which is no secret; empty if it is no token.
absl::string_view IdOfToken(absl::string_view token);

// What is kept of a token. Immutable.
class KeptToken {
 public:
  // INVALID_ARGUMENT for `field`; the message has nothing of what is wrong, which may be a secret.
  static absl::StatusOr<KeptToken> Parse(absl::string_view field, absl::string_view kept);

  const std::string& id() const { return id_; }
  // As it was parsed.
  std::string text() const;
  // Whether it was kept of this one. Takes as long whatever is wrong with its secret.
  bool Matches(absl::string_view token) const;

 private:
  KeptToken(absl::string_view id, absl::string_view salt, absl::string_view hash) : id_(id), salt_(salt), hash_(hash) {}

  std::string id_;
  std::string salt_;
  std::string hash_;  // SHA-256 of salt_ and the secret, in hexadecimal digits
};

}  // namespace nmq

#endif  // NMQ_BASE_TOKEN_H_
