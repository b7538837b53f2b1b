#ifndef NMQ_SERVER_LOG_AUDIENCE_H_
#define NMQ_SERVER_LOG_AUDIENCE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nmq::log {

// Who may hear a message, in the numbers of the rooms and clients that existed when it was published. Rooms and clients
// share one range of numbers. A message without an audience is for everyone.
struct Audience {
  bool everyone = false;
  std::vector<uint64_t> targets;  // any of these hears it, unless `everyone`
  std::vector<uint64_t> excepts;  // none of these hears it

  size_t bytes() const { return sizeof(*this) + (targets.size() + excepts.size()) * sizeof(uint64_t); }
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_AUDIENCE_H_
