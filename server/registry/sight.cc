#include "server/registry/sight.h"

#include <algorithm>

namespace nmq::broker {

Sight::Sight(const Broker& broker, const Call& call, absl::string_view name_space)
    : call_(call), view_(broker.View(call, name_space)) {
  all_ = view_->Has(call.right, kAllOfThem, kAllOfThem);
  all_queues_ = all_ || view_->Has(call.right, kAllOfThem, "");
  all_rooms_ = all_ || view_->Has(call.right, "", kAllOfThem);
}

bool Sight::Queue(absl::string_view queue) const { return all_queues_ || view_->Has(call_.right, queue, ""); }

bool Sight::Room(absl::string_view room) const { return all_rooms_ || view_->Has(call_.right, "", room); }

bool Sight::Subscription(const broker::Subscription& subscription) const {
  const auto& patterns = subscription.patterns();
  return all_queues_ || std::all_of(patterns.begin(), patterns.end(),
                                    [&](const SubscriptionPattern& pattern) { return Queue(pattern.queue.text()); });
}

bool Sight::IsOwn(const broker::Client& client) const {
  return call_.principal != nullptr && client.identity() == call_.principal->name;
}

bool Sight::ListedSubscription(broker::Subscription& subscription) const {
  return (all_rooms_ || IsOwn(subscription.client())) && Subscription(subscription);
}

bool Sight::Client(Namespace::ClientView* client) const {
  if (all_) return true;
  auto& rooms = client->rooms;
  rooms.erase(std::remove_if(rooms.begin(), rooms.end(), [&](absl::string_view room) { return !Room(room); }),
              rooms.end());
  auto& subscriptions = client->subscriptions;
  subscriptions.erase(std::remove_if(subscriptions.begin(), subscriptions.end(),
                                     [&](const broker::Subscription* one) { return !Subscription(*one); }),
                      subscriptions.end());
  return IsOwn(*client->client) || all_rooms_ || !rooms.empty();
}

bool Sight::Change(const v1::Change& change) const {
  if (all_) return true;
  if (!change.room().empty()) return Room(change.room());
  if (!change.queue().empty()) return Queue(change.queue());
  // Of a subscription it is not said what it hears.
  if (!change.subscription_id().empty()) return false;
  return change.client_id().empty() || all_rooms_;
}

void Sight::Describe(const broker::Group& group, v1::GroupInfo* info) const {
  group.Describe(info);
  if (all_) return;
  v1::GroupOptions* const options = info->mutable_options();
  if (!Queue(options->dead_letter_queue())) options->clear_dead_letter_queue();
  auto* const rooms = options->mutable_rooms();
  rooms->erase(std::remove_if(rooms->begin(), rooms->end(), [&](const std::string& room) { return !Room(room); }),
               rooms->end());
}

bool Sight::Filter(const v1::ClientFilter& filter) const {
  return (filter.room().empty() || Room(filter.room())) && (filter.queue().empty() || Queue(filter.queue()));
}

}  // namespace nmq::broker
