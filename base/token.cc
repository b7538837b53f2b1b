#include "base/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/errors.h"
#include "base/names.h"

namespace nmq {
namespace {

constexpr char kBegin[] = "nmq_";
constexpr size_t kIdBytes = 5;
constexpr size_t kSaltBytes = 10;
constexpr size_t kSecretBytes = 20;
constexpr size_t kHashDigits = 2 * SHA256_DIGEST_LENGTH;

std::string SaltedHash(absl::string_view salt, absl::string_view secret) {
  const std::string text = absl::StrCat(salt, secret);
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash);
  return absl::BytesToHexString({reinterpret_cast<const char*>(hash), sizeof(hash)});
}

}  // namespace

NewToken MakeToken(Random& random) {
  const std::string id = RandomName(random, kIdBytes);
  const std::string salt = RandomName(random, kSaltBytes);
  const std::string secret = RandomName(random, kSecretBytes);
  return {absl::StrCat(kBegin, id, "_", secret), absl::StrCat(id, ".", salt, ".", SaltedHash(salt, secret))};
}

absl::string_view IdOfToken(absl::string_view token) {
  if (!absl::ConsumePrefix(&token, kBegin)) return {};
  const size_t end = token.find('_');
  return end == absl::string_view::npos ? absl::string_view() : token.substr(0, end);
}

absl::StatusOr<KeptToken> KeptToken::Parse(absl::string_view field, absl::string_view kept) {
  const std::vector<absl::string_view> parts = absl::StrSplit(kept, '.');
  if (parts.size() != 3 || !IsName(parts[0]) || !IsName(parts[1]) || parts[2].size() != kHashDigits) {
    return InvalidArgument(field, "is not what is kept of a token, ID.SALT.HASH; nmq token makes both");
  }
  return KeptToken(parts[0], parts[1], parts[2]);
}

std::string KeptToken::text() const { return absl::StrCat(id_, ".", salt_, ".", hash_); }

bool KeptToken::Matches(absl::string_view token) const {
  const absl::string_view id = IdOfToken(token);
  if (id != id_) return false;
  const std::string hash = SaltedHash(salt_, token.substr(sizeof(kBegin) - 1 + id.size() + 1));
  return CRYPTO_memcmp(hash.data(), hash_.data(), kHashDigits) == 0;
}

}  // namespace nmq
