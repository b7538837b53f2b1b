#include "base/keyed_hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>
#include <string>

namespace nmq {

uint64_t KeyedHash(absl::string_view key, std::initializer_list<absl::string_view> parts) {
  std::string text;
  for (absl::string_view part : parts) {
    const uint64_t size = part.size();
    text.append(reinterpret_cast<const char*>(&size), sizeof(size));
    text.append(part.data(), part.size());
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, nullptr);
  uint64_t number;
  memcpy(&number, digest, sizeof(number));
  return number == 0 ? 1 : number;
}

}  // namespace nmq
