// How subscriptions of a namespace start and end, and how its registry is read.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {

std::vector<uint64_t> Namespace::TargetsLocked(const ClientEntry& entry) const {
  std::vector<uint64_t> targets = {kEveryone, entry.client->number()};
  for (const auto& [name, room] : entry.rooms) targets.push_back(room->number);
  return targets;
}

absl::Status Namespace::SubscribeCheckLocked(const SubscribeOptions& options) const {
  auto it = clients_.find(options.client->id());
  if (it == clients_.end()) return GoneStatus();
  const uint64_t subscriptions = it->second.subscriptions.size() + 1;
  if (subscriptions > limits().subscriptions_per_client) {
    return LimitExceeded("subscriptions_per_client", subscriptions, limits().subscriptions_per_client);
  }
  for (const SubscriptionPattern& pattern : options.patterns) {
    if (!pattern.queue.IsName()) continue;
    auto queue = queues_.find(pattern.queue.text());
    if (queue == queues_.end()) {
      if (!automatic_queues()) return NoQueue(pattern.queue.text());
    } else if (pattern.event.IsName() && !queue->second->Accepts(pattern.event.text())) {
      return NoEvent(*queue->second, pattern.event.text());
    }
  }
  for (const auto& item : queues_) {
    const Queue& queue = *item.second;
    const bool wanted =
        std::any_of(options.patterns.begin(), options.patterns.end(),
                    [&](const SubscriptionPattern& pattern) { return pattern.queue.Matches(queue.name()); });
    absl::Status status = wanted ? queue.CheckStart(options.start) : absl::OkStatus();
    if (!status.ok()) return status;
  }
  return JoinCheckLocked(it->second, options.rooms);
}

// Looks on disk for what no memory knows, before any lock is taken.
absl::Status Namespace::FindStarts(SubscribeOptions* options, const std::atomic<bool>* stop) const {
  Start& start = options->start;
  if (start.kind != Start::Kind::kLast && start.kind != Start::Kind::kTime) return absl::OkStatus();
  start.monotonic_us = shared_->NowUs() - (absl::ToUnixMicros(shared_->clock->Now()) - start.time_us);
  std::vector<std::shared_ptr<Queue>> queues;
  {
    ReaderMutexLock lock(&mu_);
    for (const auto& [name, queue] : queues_) {
      if (queue->durable()) queues.push_back(queue);
    }
  }
  for (const auto& queue : queues) {
    EventFilter filter;
    if (!FilterFor(options->patterns, options->headers, queue->name(), &filter)) continue;
    auto found = queue->FindStart(start, filter, options->client->memberships(), stop);
    if (!found.ok()) return WithContext(found.status(), absl::StrCat("start: queue ", Quote(queue->name())));
    start.found[queue->name()] = *found;
  }
  return absl::OkStatus();
}

bool Namespace::NeedsDisk(const SubscribeOptions& options) const {
  if (shared_->storage == nullptr || options.prepared) return false;
  ReaderMutexLock lock(&mu_);
  if (options.group.has_value()) return !HasGroup(*options.group);
  if (options.start.kind != Start::Kind::kLast && options.start.kind != Start::Kind::kTime) return false;
  EventFilter filter;
  return std::any_of(queues_.begin(), queues_.end(), [&](const auto& item) {
    return item.second->durable() && FilterFor(options.patterns, options.headers, item.first, &filter);
  });
}

absl::Status Namespace::PrepareSubscribe(SubscribeOptions* options, const std::atomic<bool>* stop) {
  options->prepared = true;
  if (stop != nullptr && stop->load()) return absl::CancelledError("nobody waits");
  if (!options->group.has_value()) return FindStarts(options, stop);
  auto group = FindOrMakeGroup(*options->group, options->start);
  if (!group.ok()) return group.status();
  options->found_group = *std::move(group);
  options->start = Start();
  return absl::OkStatus();
}

// A queue that a resumed subscription knows of and that is not there was of an earlier run of the server: when it is
// made again, what followed the position is missing.
Start Namespace::StartOfLaterQueuesLocked(const Start& start) const {
  Start later;
  for (const auto& [name, position] : start.positions) {
    if (queues_.contains(name)) continue;
    later.kind = Start::Kind::kResume;
    later.positions.emplace(name, position);
  }
  return later;
}

void Namespace::AttachLocked(Subscription* subscription, const std::shared_ptr<Queue>& queue, const Start& start,
                             absl::Span<const uint64_t> targets, v1::Ready* ready) {
  EventFilter filter;
  if (!subscription->FilterFor(queue->name(), &filter)) return;
  v1::QueuePosition position;
  queue->Attach(subscription->AddCursor(queue, std::move(filter)), start, targets, &position);
  if (ready != nullptr) *ready->add_positions() = std::move(position);
}

absl::StatusOr<std::shared_ptr<Subscription>> Namespace::Subscribe(SubscribeOptions options, v1::Ready* ready) {
  std::shared_ptr<Subscription> subscription;
  absl::Status status = options.prepared ? absl::OkStatus() : PrepareSubscribe(&options, /*stop=*/nullptr);
  if (!status.ok()) return status;
  const std::shared_ptr<Group>& group = options.found_group;
  {
    MutexLock lock(&mu_);
    status = SubscribeCheckLocked(options);
    if (!status.ok()) return status;
    ClientEntry& entry = clients_.find(options.client->id())->second;
    for (const std::string* room : options.rooms) JoinLocked(&entry, *room);

    Subscription::Options made;
    made.id = absl::StrCat(options.client->id(), ".", ++entry.subscriptions_made);
    made.client = options.client;
    made.patterns = std::move(options.patterns);
    made.headers = std::move(options.headers);
    made.overflow = options.overflow;
    made.overflow_messages = options.overflow_messages;
    made.peer = std::move(options.peer);
    made.start_time = shared_->clock->Now();
    made.lane = options.lane;
    made.owner = options.owner;
    made.name_space_counters = &counters_;
    made.start_of_later_queues = StartOfLaterQueuesLocked(options.start);
    uint64_t member = 0;
    if (group != nullptr) {
      member = group->NextMember();
      made.mailbox = std::make_shared<Mailbox>();
      made.leave_group = [group, member] { group->RemoveMember(member); };
    }
    const std::shared_ptr<Mailbox> mailbox = made.mailbox;
    subscription = std::make_shared<Subscription>(std::move(made));
    ready->set_namespace_(name_);
    ready->set_client_id(entry.client->id());
    ready->set_subscription_id(subscription->id());
    if (group != nullptr) {
      group->AddMember(member, subscription, mailbox, options.group->credit_messages, options.group->credit_bytes);
    } else {
      const std::vector<uint64_t> targets = TargetsLocked(entry);
      for (const auto& [name, queue] : queues_) AttachLocked(subscription.get(), queue, options.start, targets, ready);
    }
    entry.subscriptions.emplace(subscription->id(), subscription);
    subscriptions_.emplace(subscription->id(), subscription.get());
    entry.client->StreamOpened();

    v1::Change change = MakeChange(v1::CHANGE_KIND_SUBSCRIPTION_STARTED, &entry);
    change.set_subscription_id(subscription->id());
    shared_->changes.Append(std::move(change));
  }
  subscription->MarkAllReady();
  shared_->changes.Notify();
  return subscription;
}

void Namespace::Unsubscribe(Subscription* subscription, absl::string_view reason) {
  {
    MutexLock lock(&mu_);
    auto it = clients_.find(subscription->client().id());
    // Otherwise the client was removed, and said so.
    if (it != clients_.end() && it->second.subscriptions.erase(subscription->id()) > 0) {
      subscriptions_.erase(subscription->id());
      v1::Change change = MakeChange(v1::CHANGE_KIND_SUBSCRIPTION_ENDED, &it->second);
      change.set_subscription_id(subscription->id());
      change.set_reason(std::string(reason));
      shared_->changes.Append(std::move(change));
    }
  }
  subscription->Close();
  subscription->client().StreamClosed(shared_->NowUs());
  shared_->changes.Notify();
}

Namespace::ClientView Namespace::ViewOf(const ClientEntry& entry) {
  ClientView view;
  view.client = entry.client.get();
  view.name = &entry.fields.name;
  view.labels = &entry.fields.labels;
  view.lease = entry.fields.lease;
  view.peer = &entry.fields.peer;
  for (const auto& [room, unused] : entry.rooms) view.rooms.push_back(room);
  for (const auto& [id, subscription] : entry.subscriptions) view.subscriptions.push_back(subscription.get());
  return view;
}

namespace {

// Visits what comes after the key `after`; see the header. `visit` is given places in `sorted`.
template <typename Sorted, typename KeyOf, typename Visit>
std::string VisitAfter(const Sorted& sorted, const std::string& after, int looks_max, KeyOf key_of, Visit visit) {
  auto it = sorted.upper_bound(after);
  std::string last = after;
  for (int looks = 0; it != sorted.end(); ++it, ++looks) {
    if (looks == looks_max || !visit(*it)) return last;
    last = key_of(*it);
  }
  return "";
}

template <typename Map, typename Visit>
std::string VisitMapAfter(const Map& map, const std::string& after, int looks_max, Visit visit) {
  return VisitAfter(
      map, after, looks_max, [](const auto& item) -> const std::string& { return item.first; }, visit);
}

}  // namespace

std::string Namespace::VisitClients(const std::string& room, const std::string& after, int looks_max,
                                    absl::FunctionRef<bool(const ClientView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  const auto* const clients = &clients_;
  if (room.empty()) {
    return VisitMapAfter(clients_, after, looks_max, [&](const auto& item) { return visit(ViewOf(item.second)); });
  }
  auto it = rooms_.find(room);
  if (it == rooms_.end()) return "";
  return VisitAfter(
      it->second->members, after, looks_max, [](const std::string& id) -> const std::string& { return id; },
      [&](const std::string& id) { return visit(ViewOf(clients->find(id)->second)); });
}

bool Namespace::VisitClient(const std::string& id, absl::FunctionRef<void(const ClientView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  auto it = clients_.find(id);
  if (it == clients_.end()) return false;
  visit(ViewOf(it->second));
  return true;
}

std::string Namespace::VisitSubscriptions(
    const std::string& client_id, const std::string& after, int looks_max,
    absl::FunctionRef<bool(Subscription&, const std::string& client_name)> visit) const {
  ReaderMutexLock lock(&mu_);
  const auto* const clients = &clients_;
  if (client_id.empty()) {
    return VisitMapAfter(subscriptions_, after, looks_max, [&](const auto& item) {
      const auto client = clients->find(item.second->client().id());
      return visit(*item.second, client->second.fields.name);
    });
  }
  auto it = clients_.find(client_id);
  if (it == clients_.end()) return "";
  return VisitMapAfter(it->second.subscriptions, after, looks_max,
                       [&](const auto& item) { return visit(*item.second, it->second.fields.name); });
}

std::string Namespace::VisitRooms(const std::string& after, int looks_max,
                                  absl::FunctionRef<bool(const RoomView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return VisitMapAfter(rooms_, after, looks_max, [&](const auto& item) {
    return visit({&item.first, item.second->members.size(), item.second->create_time});
  });
}

std::string Namespace::VisitQueues(const std::string& after, int looks_max,
                                   absl::FunctionRef<bool(const Queue&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return VisitMapAfter(queues_, after, looks_max, [&](const auto& item) { return visit(*item.second); });
}

std::string Namespace::VisitGroups(const std::string& after, int looks_max,
                                   absl::FunctionRef<bool(const Group&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return VisitMapAfter(groups_, after, looks_max, [&](const auto& item) { return visit(*item.second); });
}

void Namespace::Describe(v1::NamespaceInfo* info) const {
  info->set_name(name_);
  info->set_automatic_queues(automatic_queues());
  counters_.ToProto(info->mutable_counters());
  ReaderMutexLock lock(&mu_);
  info->set_clients(clients_.size());
  info->set_rooms(rooms_.size());
  info->set_queues(queues_.size());
  info->set_subscriptions(subscriptions_.size());
}

}  // namespace nmq::broker
