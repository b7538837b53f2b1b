#ifndef NMQ_SERVER_PRESENCE_NUMBERS_H_
#define NMQ_SERVER_PRESENCE_NUMBERS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/keyed_hash.h"

namespace nmq::broker {

// The numbers of rooms and clients, by which messages are addressed: the same for a name as long as the key is the
// same, and never 0, which stands for everyone. Immutable, so thread-safe.
class Numbers {
 public:
  explicit Numbers(std::string key) : key_(std::move(key)) {}

  uint64_t OfRoom(absl::string_view name) const { return KeyedHash(key_, {"room", name}); }
  uint64_t OfClient(absl::string_view id) const { return KeyedHash(key_, {"client", id}); }

 private:
  const std::string key_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_PRESENCE_NUMBERS_H_
