#ifndef NMQ_SERVER_LOG_AUDIENCE_H_
#define NMQ_SERVER_LOG_AUDIENCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::log {

// Who may hear a message, and until when, in the numbers of rooms and clients, which are the same in each run of a
// server that keeps something on disk. Rooms and clients share one range of numbers. A message without an audience is
// for everyone, for ever.
struct Audience {
  bool everyone = false;
  std::vector<uint64_t> targets;  // any of these hears it, unless `everyone`
  std::vector<uint64_t> excepts;  // none of these hears it
  int64_t expire_us = 0;          // from then on nobody hears it; microseconds since 1970, 0 for never

  bool expired(int64_t now_us) const { return expire_us != 0 && expire_us <= now_us; }
  size_t bytes() const { return sizeof(*this) + (targets.size() + excepts.size()) * sizeof(uint64_t); }
};

// An audience as it is stored: a byte, 1 for `everyone` and 2 if it expires; the number of targets in 4 bytes; when it
// expires, if it does, then targets and excepts, in 8 bytes each. All little-endian.
std::string EncodeAudience(const Audience& audience);
// False if the bytes are no audience.
bool DecodeAudience(absl::string_view bytes, Audience* audience);

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_AUDIENCE_H_
