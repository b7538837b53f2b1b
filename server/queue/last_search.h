#ifndef NMQ_SERVER_QUEUE_LAST_SEARCH_H_
#define NMQ_SERVER_QUEUE_LAST_SEARCH_H_

#include <cstdint>
#include <limits>

#include "server/presence/memberships.h"
#include "server/queue/filter.h"
#include "server/queue/message_log.h"

namespace nmq::broker {

// Looks where the last messages of a live queue begin that a subscription hears, from the newest on, in steps: others
// have the queue in between. Each step is under the queue's mutex.
class LastSearch {
 public:
  // For the last `count` messages that both let through; they must outlive the search.
  LastSearch(uint64_t count, const EventFilter& filter, const Memberships& memberships)
      : wanted_(count), filter_(filter), memberships_(memberships) {}

  // Looks at up to `looks_max` messages more; whether that was all.
  bool Step(const MessageLog& log, int looks_max);
  // Where those begin that were found. What comes after the first step is later than that.
  uint64_t sequence() const { return next_; }

 private:
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

  uint64_t wanted_;
  const EventFilter& filter_;
  const Memberships& memberships_;
  uint64_t next_ = kNone;  // all from there on were looked at
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_LAST_SEARCH_H_
