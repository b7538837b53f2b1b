#include "server/queue/lane.h"

#include "server/queue/queue.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

void Lane::PostChannel(std::shared_ptr<Queue> queue, std::shared_ptr<Channel> channel) {
  MutexLock lock(&mu_);
  channels_.push_back({std::move(queue), std::move(channel)});
  posted_.store(true);
}

void Lane::PostCursor(std::shared_ptr<Queue> queue, Cursor* cursor) {
  MutexLock lock(&mu_);
  cursors_.emplace_back(std::move(queue), cursor);
  posted_.store(true);
}

void Lane::PostSubscription(std::shared_ptr<Subscription> subscription) {
  MutexLock lock(&mu_);
  subscriptions_.push_back(std::move(subscription));
  posted_.store(true);
}

void Lane::Wake() {
  if (posted_.load() && !woken_.exchange(true)) wake_();
}

void Lane::TakeReady(std::vector<Subscription*>* ready) {
  // Before anything else: who posts from now on wakes again. That goes for a wake-up in vain, too, whose post was taken
  // in an earlier turn.
  woken_.store(false);
  if (!posted_.load()) return;
  std::vector<Dirty> channels;
  std::vector<std::pair<std::shared_ptr<Queue>, Cursor*>> cursors;
  std::vector<std::shared_ptr<Subscription>> subscriptions;
  {
    MutexLock lock(&mu_);
    posted_.store(false);
    channels.swap(channels_);
    cursors.swap(cursors_);
    subscriptions.swap(subscriptions_);
  }
  for (const Dirty& dirty : channels) dirty.queue->MarkListeners(dirty.channel.get(), index_, ready);
  for (const auto& [queue, cursor] : cursors) queue->MarkCursor(cursor, index_, ready);
  for (const auto& subscription : subscriptions) subscription->MarkReady(ready);
}

}  // namespace nmq::broker
