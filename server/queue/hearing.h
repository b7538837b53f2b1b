#ifndef NMQ_SERVER_QUEUE_HEARING_H_
#define NMQ_SERVER_QUEUE_HEARING_H_

#include <cstdint>
#include <vector>

#include "server/log/audience.h"
#include "server/log/block.h"
#include "server/log/ring.h"
#include "server/presence/memberships.h"
#include "server/queue/channel.h"
#include "server/queue/filter.h"

namespace nmq::broker {

// What decides who hears a message.
struct Hearing {
  uint64_t stamp;                 // see Record in ring.h
  const log::Audience* audience;  // null for everyone
  const char* entry;
};

inline Hearing HearingOf(const log::Record& record) {
  return {record.stamp, record.audience.get(), log::Ring::data(record)};
}

// Of a message in a block of the disk, whose audience is decoded into `audience`. Stamps of messages before `run_begin`
// are of an earlier run of the server: before all of this one.
Hearing HearingOf(const log::Block& block, uint64_t sequence, uint64_t run_begin, log::Audience* audience);

// Who is in the audience of a queue's messages: clients that were members of its rooms when it was published, and, of a
// durable queue, those that are members when they read it.
enum class Members { kThen, kThenOrNow };

bool IsMemberOfAny(const Memberships& memberships, const std::vector<uint64_t>& ids, uint64_t stamp, Members members);

// Whether a subscription of a client with these memberships hears the message: by audience, event and headers.
bool Hears(const EventFilter& filter, const Memberships& memberships, const Hearing& message, Members members);

// The same of a message of a channel on which the subscription listens, and which so is for it by target and, unless
// the filter picks, by event.
bool PicksFromChannel(const EventFilter& filter, const Channel& channel, const char* entry);
inline bool Passes(const EventFilter& filter, const Memberships& memberships, const Channel& channel,
                   const Hearing& message, Members members) {
  if (filter.picks(channel) && !PicksFromChannel(filter, channel, message.entry)) return false;
  return message.audience == nullptr || message.audience->excepts.empty() ||
         !IsMemberOfAny(memberships, message.audience->excepts, message.stamp, members);
}

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_HEARING_H_
