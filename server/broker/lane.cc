#include "server/broker/lane.h"

#include "server/broker/queue.h"
#include "server/broker/subscription.h"

namespace nmq::broker {

void Lane::PostChannel(std::shared_ptr<Queue> queue, std::shared_ptr<Channel> channel) {
  MutexLock lock(&mu_);
  channels_.push_back({std::move(queue), std::move(channel)});
  posted_.store(true, std::memory_order_release);
}

void Lane::PostSubscription(std::shared_ptr<Subscription> subscription) {
  MutexLock lock(&mu_);
  subscriptions_.push_back(std::move(subscription));
  posted_.store(true, std::memory_order_release);
}

void Lane::Wake() {
  if (posted_.load(std::memory_order_acquire) && !woken_.exchange(true, std::memory_order_acq_rel)) wake_();
}

void Lane::TakeReady(std::vector<Subscription*>* ready) {
  if (!posted_.load(std::memory_order_acquire)) return;
  std::vector<Dirty> channels;
  std::vector<std::shared_ptr<Subscription>> subscriptions;
  {
    MutexLock lock(&mu_);
    // In this order: who posts from now on wakes again.
    posted_.store(false, std::memory_order_release);
    woken_.store(false, std::memory_order_release);
    channels.swap(channels_);
    subscriptions.swap(subscriptions_);
  }
  for (const Dirty& dirty : channels) dirty.queue->MarkListeners(dirty.channel.get(), index_, ready);
  for (const auto& subscription : subscriptions) subscription->MarkReady(ready);
}

}  // namespace nmq::broker
