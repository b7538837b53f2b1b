// How messages get into the queues of a namespace.
#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/base/errors.h"
#include "server/broker/namespace.h"

namespace nmq::broker {

// Messages with the queue that each goes to, grouped by queue, in the order in which the queues first appear.
struct Namespace::Addressed {
  struct Group {
    std::shared_ptr<Queue> queue;
    std::vector<Queue::Outgoing> messages;
    std::vector<size_t> indices;  // of `messages` in the batch
  };
  absl::InlinedVector<Group, 2> groups;
  size_t last_group = 0;
  bool queue_missing = false;  // and the namespace may make it

  Group* Find(absl::string_view queue) {
    if (!groups.empty() && groups[last_group].queue->name() == queue) return &groups[last_group];
    for (size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].queue->name() != queue) continue;
      last_group = i;
      return &groups[i];
    }
    return nullptr;
  }
};

namespace {

// A target that is named twice would hear twice.
void RemoveDuplicates(std::vector<uint64_t>* numbers) {
  if (numbers->size() < 2) return;
  std::sort(numbers->begin(), numbers->end());
  numbers->erase(std::unique(numbers->begin(), numbers->end()), numbers->end());
}

// Takes out what is the server's to say, and what no subscriber needs.
void ClearServerFields(v1::Message* message) {
  message->clear_id();
  message->clear_epoch();
  message->clear_sequence();
  message->clear_publish_time();
  message->clear_publisher();
  if (message->has_audience()) {
    v1::Audience* audience = message->mutable_audience();
    audience->clear_clients();
    audience->clear_except_rooms();
    audience->clear_except_clients();
    audience->clear_except_publisher();
    if (audience->rooms().empty()) message->clear_audience();
  }
  if (!message->GetReflection()->GetUnknownFields(*message).empty()) message->DiscardUnknownFields();
}

// The encoded bodies of a batch, one after another.
class Bodies {
 public:
  explicit Bodies(absl::Span<v1::Message* const> messages) {
    size_t total = 0;
    for (v1::Message* message : messages) {
      ClearServerFields(message);
      total += message->ByteSizeLong();
    }
    bytes_.reset(new char[total]);
    char* at = bytes_.get();
    for (v1::Message* message : messages) {
      // ByteSizeLong left the size behind.
      const auto size = static_cast<size_t>(message->GetCachedSize());
      message->SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(at));
      bodies_.emplace_back(at, size);
      at += size;
    }
  }
  absl::string_view operator[](size_t i) const { return bodies_[i]; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::vector<absl::string_view> bodies_;
};

}  // namespace

absl::Status Namespace::NoQueue(absl::string_view queue) const {
  return NotFound("QUEUE_NOT_FOUND",
                  absl::StrCat("namespace ", Quote(name_), " has no queue ", Quote(queue),
                               ", and makes none by itself; declare it in the configuration"),
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

absl::StatusOr<std::shared_ptr<const log::Audience>> Namespace::AudienceLocked(const Client* publisher,
                                                                               const v1::Audience& audience) {
  auto resolved = std::make_shared<log::Audience>();
  resolved->everyone = audience.rooms().empty() && audience.clients().empty();
  const uint64_t stamp = stamps_.load(std::memory_order_acquire);
  auto add_room = [&](const std::string& name, std::vector<uint64_t>* numbers) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    it->second->last_addressed.store(stamp, std::memory_order_release);
    numbers->push_back(it->second->number);
  };
  for (const std::string& room : audience.rooms()) add_room(room, &resolved->targets);
  for (const std::string& room : audience.except_rooms()) add_room(room, &resolved->excepts);
  for (const std::string& id : audience.clients()) {
    auto it = clients_.find(id);
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
  if (audience.except_publisher()) resolved->excepts.push_back(publisher->number());
  RemoveDuplicates(&resolved->targets);
  RemoveDuplicates(&resolved->excepts);
  if (resolved->everyone && resolved->excepts.empty()) return nullptr;
  return resolved;
}

absl::Status Namespace::AddressLocked(const Client* publisher, const v1::Message& message, size_t index,
                                      Addressed* addressed) {
  Queue::Outgoing outgoing;
  outgoing.event = message.event();
  if (message.has_audience()) {
    // First: a message that cannot be addressed makes no queue.
    auto audience = AudienceLocked(publisher, message.audience());
    if (!audience.ok()) return audience.status();
    outgoing.audience = *std::move(audience);
  }
  Addressed::Group* group = addressed->Find(message.queue());
  if (group == nullptr) {
    auto it = queues_.find(message.queue());
    if (it == queues_.end()) {
      if (!automatic_queues_) return NoQueue(message.queue());
      addressed->queue_missing = true;
      return absl::OkStatus();
    }
    addressed->last_group = addressed->groups.size();
    group = &addressed->groups.emplace_back();
    group->queue = it->second;
  }
  if (!group->queue->Accepts(message.event())) return NoEvent(*group->queue, message.event());
  group->messages.push_back(std::move(outgoing));
  group->indices.push_back(index);
  return absl::OkStatus();
}

absl::Status Namespace::Address(const Client* publisher, absl::Span<v1::Message* const> messages,
                                Addressed* addressed) {
  ReaderMutexLock lock(&mu_);
  for (size_t i = 0; i < messages.size(); ++i) {
    absl::Status status = AddressLocked(publisher, *messages[i], i, addressed);
    if (!status.ok()) return messages.size() == 1 ? status : WithContext(status, absl::StrCat("messages[", i, "]"));
  }
  return absl::OkStatus();
}

void Namespace::AddQueueLocked(QueueConfig config, bool automatic) {
  Queue::Options options;
  options.name_space = name_;
  options.config = std::move(config);
  options.automatic = automatic;
  options.epoch = shared_->NextEpoch();
  options.total = &shared_->total;
  options.stamps = &stamps_;
  options.lanes = shared_->lanes;
  auto queue = std::make_shared<Queue>(std::move(options));
  queues_[queue->name()] = queue;
  // Who already waits for a queue of this name hears it from its beginning.
  for (auto& [id, subscription] : subscriptions_) {
    const ClientEntry& entry = clients_.find(subscription->client().id())->second;
    AttachLocked(subscription, queue, subscription->start_of_later_queues(), TargetsLocked(entry), nullptr);
  }
  v1::Change change = MakeChange(v1::CHANGE_KIND_QUEUE_CREATED, nullptr);
  change.set_queue(queue->name());
  shared_->changes.Append(std::move(change));
}

absl::Status Namespace::MakeQueues(absl::Span<v1::Message* const> messages) {
  {
    MutexLock lock(&mu_);
    absl::btree_set<absl::string_view> missing;
    for (const v1::Message* message : messages) {
      if (!queues_.contains(message->queue())) missing.insert(message->queue());
    }
    const uint64_t count = queues_.size() + missing.size();
    if (count > limits().queues_per_namespace) {
      return LimitExceeded("queues_per_namespace", count, limits().queues_per_namespace);
    }
    for (absl::string_view name : missing) {
      AddQueueLocked({std::string(name), {}, automatic_retention_}, /*automatic=*/true);
    }
  }
  shared_->changes.Notify();
  return absl::OkStatus();
}

absl::StatusOr<Namespace::Published> Namespace::Publish(const Client* publisher,
                                                        absl::Span<v1::Message* const> messages, bool count_matches) {
  Addressed addressed;
  absl::Status status = Address(publisher, messages, &addressed);
  if (status.ok() && addressed.queue_missing) {
    status = MakeQueues(messages);
    addressed = Addressed();
    if (status.ok()) status = Address(publisher, messages, &addressed);
  }
  if (!status.ok()) return status;

  const Bodies bodies(messages);
  const absl::Time time = shared_->clock->Now();
  const int64_t now_us = shared_->NowUs();
  Published published;
  uint64_t bytes = 0;
  for (Addressed::Group& group : addressed.groups) {
    for (size_t i = 0; i < group.messages.size(); ++i) {
      group.messages[i].body = bodies[group.indices[i]];
      bytes += group.messages[i].body.size();
    }
    const Queue::Appended appended = group.queue->Append(
        group.messages, time, now_us, publisher == nullptr ? absl::string_view() : publisher->id(), count_matches);
    v1::SequenceRange& range = published.ranges.emplace_back();
    range.set_queue(group.queue->name());
    range.set_epoch(group.queue->epoch());
    range.set_first(appended.first);
    range.set_last(appended.last);
    published.matched += appended.matched;
  }
  counters_.Published(messages.size(), bytes);
  for (const auto& lane : shared_->lanes) lane->Wake();
  return published;
}

void Namespace::TrimQueues() {
  std::vector<std::shared_ptr<Queue>> queues;
  {
    ReaderMutexLock lock(&mu_);
    for (const auto& [name, queue] : queues_) queues.push_back(queue);
  }
  for (const auto& queue : queues) queue->Trim(shared_->NowUs());
}

}  // namespace nmq::broker
