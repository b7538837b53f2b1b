#ifndef NMQ_SERVER_GROUP_FILTER_H_
#define NMQ_SERVER_GROUP_FILTER_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "base/names.h"
#include "nmq/storage/v1/storage.pb.h"
#include "server/log/block.h"

namespace nmq::broker {

// Which messages of its queue a group hears: those of its events that are for everyone or for its rooms. Immutable.
class GroupFilter {
 public:
  // `rooms` are the numbers of the group's rooms.
  GroupFilter(const storage::v1::Group& group, absl::flat_hash_set<uint64_t> rooms);

  // `block` has the message.
  bool Hears(const log::Block& block, uint64_t sequence) const;

 private:
  std::vector<Pattern> events_;  // all if empty
  const absl::flat_hash_set<uint64_t> rooms_;
};

// Whether the time of a message of `block` is over.
bool IsExpired(const log::Block& block, uint64_t sequence, absl::Time now);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_GROUP_FILTER_H_
