#ifndef NMQ_SERVER_QUEUE_MATCH_COUNTER_H_
#define NMQ_SERVER_QUEUE_MATCH_COUNTER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "server/queue/channel_table.h"
#include "server/queue/hearing.h"

namespace nmq::broker {

// Counts how many subscriptions hear messages that are appended, by the channels that these are for. Messages for the
// same channels have the same listeners, which are counted once; only those whose filter picks messages of a channel
// are looked at for each message. Lives no longer than the queue's mutex is held: meanwhile no cursor comes or goes.
class MatchCounter {
 public:
  // `channels` must outlive the counter.
  MatchCounter(const ChannelTable* channels, Members members) : channels_(*channels), members_(members) {}

  uint64_t Count(const Hearing& message, absl::string_view event);

 private:
  using Channels = absl::InlinedVector<const Channel*, 4>;
  // With the numbers that the audience excepts.
  using Kind = std::pair<Channels, std::vector<uint64_t>>;

  uint64_t CountPlain(const Channels& channels, const Hearing& message) const;
  uint64_t CountPicking(const Channels& channels, const Hearing& message) const;

  const ChannelTable& channels_;
  const Members members_;
  absl::flat_hash_map<Kind, uint64_t> plain_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_MATCH_COUNTER_H_
