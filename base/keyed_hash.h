// Numbers for names that nobody can foresee.
#ifndef NMQ_BASE_KEYED_HASH_H_
#define NMQ_BASE_KEYED_HASH_H_

#include <cstdint>
#include <initializer_list>

#include "absl/strings/string_view.h"

namespace nmq {

// The first 8 bytes of HMAC-SHA-256 (RFC 2104) over `parts`, each with its length before it. Who does not know the key
// cannot choose parts that collide. Never 0.
uint64_t KeyedHash(absl::string_view key, std::initializer_list<absl::string_view> parts);

}  // namespace nmq

#endif  // NMQ_BASE_KEYED_HASH_H_
