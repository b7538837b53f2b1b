#include "server/queue/last_search.h"

#include <algorithm>

#include "server/queue/hearing.h"

namespace nmq::broker {

bool LastSearch::Step(const MessageLog& log, int looks_max) {
  const log::Ring& ring = log.ring();
  if (next_ == kNone) next_ = ring.end();
  // What was given up meanwhile is not found any more.
  next_ = std::max(next_, ring.first());
  for (; looks_max > 0 && wanted_ > 0 && next_ > ring.first(); --looks_max) {
    const log::Record& record = ring.at(--next_);
    if (Hears(filter_, memberships_, HearingOf(record), log.members()) && !log.Expired(record.audience.get())) {
      --wanted_;
    }
  }
  return wanted_ == 0 || next_ <= ring.first();
}

}  // namespace nmq::broker
