// Who is to hear a message, and in which queue of a namespace.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/namespace/addressed.h"
#include "server/namespace/namespace.h"

namespace nmq::broker {
namespace {

// A target that is named twice would hear twice.
void RemoveDuplicates(std::vector<uint64_t>* numbers) {
  if (numbers->size() < 2) return;
  std::sort(numbers->begin(), numbers->end());
  numbers->erase(std::unique(numbers->begin(), numbers->end()), numbers->end());
}

}  // namespace

absl::Status Namespace::NoQueue(absl::string_view queue) const {
  return NotFound(
      "QUEUE_NOT_FOUND",
      absl::StrCat("namespace ", Quote(name_), " has no queue ", Quote(queue),
                   ", and makes none by itself; declare it in the configuration, or make it with Admin.CreateQueue"),
      {{"queue", queue}, {"namespace", name_}});
}

absl::Status Namespace::NoEvent(const Queue& queue, absl::string_view event) const {
  v1::QueueInfo info;
  queue.Describe(&info);
  return NotFound("EVENT_NOT_FOUND",
                  absl::StrCat("queue ", Quote(queue.name()), " accepts no event ", Quote(event), ", only ",
                               absl::StrJoin(info.events(), ", ")),
                  {{"queue", queue.name()}, {"event", event}});
}

absl::StatusOr<std::shared_ptr<const log::Audience>> Namespace::AudienceLocked(const Addresser& addresser,
                                                                               const Incoming& message) {
  const v1::Audience& audience = message.audience == nullptr ? v1::Audience::default_instance() : *message.audience;
  auto resolved = std::make_shared<log::Audience>();
  resolved->everyone = audience.rooms().empty() && audience.clients().empty();
  const uint64_t stamp = stamps_.load(std::memory_order_acquire);
  auto add_room = [&](const std::string& name, std::vector<uint64_t>* numbers) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    auto it = rooms_.find(name);
    if (it == rooms_.end()) {
      // Who joins later may hear it of a queue that is on disk.
      numbers->push_back(shared_->NumberOfRoom(name));
      return;
    }
    it->second->last_addressed.store(stamp, std::memory_order_release);
    numbers->push_back(it->second->number);
  };
  for (const std::string& room : audience.rooms()) add_room(room, &resolved->targets);
  for (const std::string& room : audience.except_rooms()) add_room(room, &resolved->excepts);
  for (const std::string& id : audience.clients()) {
    auto it = clients_.find(id);
    if (it == clients_.end() && !addresser.strict) continue;
    if (it == clients_.end()) {
      return NotFound("CLIENT_NOT_FOUND",
                      absl::StrCat("audience.clients: namespace ", Quote(name_), " has no client ", Quote(id)),
                      {{"client", id}, {"namespace", name_}});
    }
    resolved->targets.push_back(it->second.client->number());
  }
  for (const std::string& id : audience.except_clients()) {
    auto it = clients_.find(id);
    if (it != clients_.end()) resolved->excepts.push_back(it->second.client->number());
  }
  if (audience.except_publisher()) resolved->excepts.push_back(addresser.publisher);
  RemoveDuplicates(&resolved->targets);
  RemoveDuplicates(&resolved->excepts);
  resolved->expire_us = message.expire_us;
  if (resolved->everyone && resolved->excepts.empty() && resolved->expire_us == 0) return nullptr;
  return resolved;
}

absl::Status Namespace::AddressLocked(const Client* publisher, const Incoming& message, uint32_t index,
                                      Addressed* addressed) {
  Queue::Outgoing outgoing;
  outgoing.event = message.event;
  outgoing.body = message.body;
  outgoing.request_id = message.request_id;
  outgoing.index = index;
  if (message.audience != nullptr || message.expire_us != 0) {
    // First: a message that cannot be addressed makes no queue.
    auto audience = AudienceLocked({publisher == nullptr ? 0 : publisher->number(), true}, message);
    if (!audience.ok()) return audience.status();
    outgoing.audience = *std::move(audience);
  }
  Addressed::Group* group = addressed->Find(message.queue);
  if (group == nullptr) {
    auto it = queues_.find(message.queue);
    if (it == queues_.end()) {
      if (!automatic_queues()) return NoQueue(message.queue);
      addressed->queue_missing = true;
      return absl::OkStatus();
    }
    addressed->last_group = addressed->groups.size();
    group = &addressed->groups.emplace_back();
    group->queue = it->second;
    // Most batches go to one queue.
    if (addressed->groups.size() == 1) group->messages.reserve(addressed->expected);
  }
  if (!group->queue->Accepts(message.event)) return NoEvent(*group->queue, message.event);
  if (message.deliver_us != 0 && message.deliver_us > absl::ToUnixMicros(shared_->clock->Now())) {
    addressed->later.emplace_back(group->queue, &message);
    return absl::OkStatus();
  }
  group->bytes += message.body.size();
  group->messages.push_back(std::move(outgoing));
  return absl::OkStatus();
}

absl::Status Namespace::Address(const Client* publisher, absl::Span<const Incoming> messages, Addressed* addressed) {
  addressed->expected = messages.size();
  ReaderMutexLock lock(&mu_);
  for (size_t i = 0; i < messages.size(); ++i) {
    absl::Status status = AddressLocked(publisher, messages[i], static_cast<uint32_t>(i), addressed);
    if (!status.ok()) return messages.size() == 1 ? status : WithContext(status, absl::StrCat("messages[", i, "]"));
  }
  return absl::OkStatus();
}

void Namespace::AddQueueLocked(QueueConfig config, QueueOrigin origin) {
  Queue::Options options;
  options.name_space = name_;
  options.config = std::move(config);
  options.origin = origin;
  options.epoch = shared_->NextEpoch();
  options.total = &shared_->total;
  options.scheduled = &scheduled_;
  options.stamps = &stamps_;
  options.lanes = shared_->lanes;
  options.clock = shared_->clock;
  options.request_id_window = limits().request_id_window;
  options.request_ids = limits().request_ids;
  if (options.config.durability != v1::DURABILITY_LIVE) {
    options.disk = shared_->storage->Opened(name_, options.config.name);
    options.epoch = options.disk->epoch;
    options.ring_bounds = {limits().queue_bytes, limits().queue_messages, limits().queue_age};
  }
  auto queue = std::make_shared<Queue>(std::move(options));
  if (queue->durable()) {
    queue->RestoreRequestIds(shared_->clock->Now(), shared_->NowUs());
    const absl::Status status = queue->schedule().Load();
    LOG_IF(ERROR, !status.ok()) << "what waits for queue " << name_ << "/" << queue->name() << ": " << status;
  }
  queues_[queue->name()] = queue;
  // Who already waits for a queue of this name hears it from its beginning.
  for (auto& [id, subscription] : subscriptions_) {
    if (subscription->member_of_group()) continue;
    const ClientEntry& entry = clients_.find(subscription->client().id())->second;
    AttachLocked(subscription, queue, subscription->start_of_later_queues(), TargetsLocked(entry), nullptr);
  }
  v1::Change change = MakeChange(v1::CHANGE_KIND_QUEUE_CREATED, nullptr);
  change.set_queue(queue->name());
  shared_->changes.Append(std::move(change));
}

absl::Status Namespace::MakeQueues(absl::Span<const Incoming> messages) {
  {
    MutexLock lock(&mu_);
    if (deleted()) return DeletedStatus();
    absl::btree_set<absl::string_view> missing;
    for (const Incoming& message : messages) {
      if (!queues_.contains(message.queue)) missing.insert(message.queue);
    }
    const uint64_t count = queues_.size() + missing.size();
    if (count > limits().queues_per_namespace) {
      return LimitExceeded("queues_per_namespace", count, limits().queues_per_namespace);
    }
    for (absl::string_view name : missing) {
      AddQueueLocked({std::string(name), {}, automatic_retention_}, QueueOrigin::kAutomatic);
    }
  }
  shared_->changes.Notify();
  return absl::OkStatus();
}

absl::StatusOr<Namespace::Addressed> Namespace::AddressAll(const Client* publisher,
                                                           absl::Span<const Incoming> messages) {
  Addressed addressed;
  absl::Status status = Address(publisher, messages, &addressed);
  if (status.ok() && addressed.queue_missing) {
    status = MakeQueues(messages);
    addressed = Addressed();
    if (status.ok()) status = Address(publisher, messages, &addressed);
  }
  if (!status.ok()) return status;
  return addressed;
}

}  // namespace nmq::broker
