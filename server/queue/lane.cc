#include "server/queue/lane.h"

namespace nmq::broker {

void Lane::PostChannel(std::shared_ptr<Queue> queue, std::shared_ptr<Channel> channel) {
  MutexLock lock(&mu_);
  waiting_.channels.push_back({std::move(queue), std::move(channel)});
  posted_.store(true);
}

void Lane::PostCursor(std::shared_ptr<Queue> queue, Cursor* cursor) {
  MutexLock lock(&mu_);
  waiting_.cursors.emplace_back(std::move(queue), cursor);
  posted_.store(true);
}

void Lane::PostSubscription(std::shared_ptr<Subscriber> subscription) {
  MutexLock lock(&mu_);
  waiting_.subscriptions.push_back(std::move(subscription));
  posted_.store(true);
}

void Lane::Wake() {
  if (posted_.load() && !woken_.exchange(true)) wake_();
}

bool Lane::Take(Posted* posted) {
  // Before anything else: who posts from now on wakes again. That goes for a wake-up in vain, too, whose post was taken
  // in an earlier turn.
  woken_.store(false);
  if (!posted_.load()) return false;
  MutexLock lock(&mu_);
  posted_.store(false);
  std::swap(*posted, waiting_);
  return true;
}

}  // namespace nmq::broker
