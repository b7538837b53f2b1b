#include "server/queue/ready.h"

#include "server/queue/queue.h"

namespace nmq::broker {

void TakeReady(Lane* lane, std::vector<Subscriber*>* ready) {
  Lane::Posted posted;
  if (!lane->Take(&posted)) return;
  for (const Lane::Dirty& dirty : posted.channels) {
    dirty.queue->MarkListeners(dirty.channel.get(), lane->index(), ready);
  }
  for (const auto& [queue, cursor] : posted.cursors) queue->MarkCursor(cursor, lane->index(), ready);
  for (const auto& subscription : posted.subscriptions) subscription->MarkReady(ready);
}

}  // namespace nmq::broker
