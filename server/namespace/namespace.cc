#include "server/namespace/namespace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

// Queues may hold messages that are too old for about as long: see Broker::Housekeep.
constexpr absl::Duration kTrimDelay = absl::Seconds(10);

}  // namespace

Shared::Shared(const Limits& server_limits, const Clock* server_clock, int lane_count, Storage* server_storage,
               std::string key)
    : limits(server_limits),
      clock(server_clock),
      total(server_limits.all_queues_bytes),
      // From the time on, so that a revision of an earlier run of the server is not taken for one of this.
      changes(server_limits.watch_changes, server_clock, absl::ToUnixMicros(server_clock->Now())),
      number_key(std::move(key)),
      storage(server_storage) {
  for (int i = 0; i < lane_count; ++i) lanes.push_back(std::make_unique<Lane>(i));
  if (storage != nullptr) {
    group_runner = std::make_unique<GroupRunner>(clock);
    committer = std::make_unique<Committer>(&storage->store(), clock, lanes, limits.unwritten_bytes);
  }
}

uint64_t Shared::NextEpoch() {
  const auto now = static_cast<uint64_t>(std::max<int64_t>(1, absl::ToUnixMicros(clock->Now())));
  uint64_t last = last_epoch.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    next = std::max(now, last + 1);
  } while (!last_epoch.compare_exchange_weak(last, next));
  return next;
}

Namespace::Namespace(const NamespaceConfig& config, bool declared, Shared* shared)
    : name_(config.name),
      declared_(declared),
      automatic_queues_(config.automatic_queues),
      automatic_retention_(config.automatic_retention),
      shared_(shared),
      scheduled_(&shared->scheduled_bytes) {
  MutexLock lock(&mu_);
  for (const QueueConfig& queue : config.queues) AddQueueLocked(queue, QueueOrigin::kDeclared);
  if (shared_->storage == nullptr) return;
  for (const QueueConfig& queue : shared_->storage->MadeQueues(name_)) {
    if (!queues_.contains(queue.name)) AddQueueLocked(queue, QueueOrigin::kAdmin);
  }
  LoadGroupsLocked();
}

v1::Change Namespace::MakeChange(v1::ChangeKind kind, const ClientEntry* entry) const {
  v1::Change change;
  change.set_kind(kind);
  change.set_namespace_(name_);
  if (entry != nullptr) {
    change.set_client_id(entry->client->id());
    change.set_client_name(entry->fields.name);
  }
  return change;
}

absl::Status Namespace::GoneStatus() const {
  return NotFound("SESSION_EXPIRED", "session: its client has disconnected or its lease has run out; Connect again");
}

absl::Status Namespace::AddClient(const std::shared_ptr<Client>& client, ClientFields fields) {
  {
    MutexLock lock(&mu_);
    if (deleted()) return DeletedStatus();
    if (clients_.size() >= limits().clients_per_namespace) {
      return LimitExceeded("clients_per_namespace", clients_.size() + 1, limits().clients_per_namespace);
    }
    if (fields.name.empty()) fields.name = client->id();
    ClientEntry& entry = clients_[client->id()];
    entry.client = client;
    entry.fields = std::move(fields);
    shared_->changes.Append(MakeChange(v1::CHANGE_KIND_CLIENT_CONNECTED, &entry));
  }
  shared_->changes.Notify();
  return absl::OkStatus();
}

bool Namespace::ResumeClient(const Client& client, const ClientFields& fields, bool lease_set, absl::Duration* lease,
                             std::vector<std::string>* rooms) {
  MutexLock lock(&mu_);
  auto it = clients_.find(client.id());
  if (it == clients_.end()) return false;
  ClientFields& kept = it->second.fields;
  if (!fields.name.empty()) kept.name = fields.name;
  if (!fields.labels.empty()) kept.labels = fields.labels;
  if (lease_set) kept.lease = fields.lease;
  kept.peer = fields.peer;
  *lease = kept.lease;
  for (const auto& [room, unused] : it->second.rooms) rooms->push_back(room);
  return true;
}

Namespace::Subscriptions Namespace::RemoveClientLocked(Client* client, absl::string_view reason) {
  auto it = clients_.find(client->id());
  ClientEntry& entry = it->second;
  // The rooms go without them: they hear nothing more anyway.
  Subscriptions subscriptions = std::move(entry.subscriptions);
  entry.subscriptions.clear();
  for (const auto& [id, subscription] : subscriptions) {
    v1::Change change = MakeChange(v1::CHANGE_KIND_SUBSCRIPTION_ENDED, &entry);
    change.set_subscription_id(id);
    change.set_reason(std::string(reason));
    shared_->changes.Append(std::move(change));
    subscriptions_.erase(id);
  }
  while (!entry.rooms.empty()) LeaveLocked(&entry, std::string(entry.rooms.begin()->first));
  v1::Change change = MakeChange(v1::CHANGE_KIND_CLIENT_DISCONNECTED, &entry);
  change.set_reason(std::string(reason));
  shared_->changes.Append(std::move(change));
  client->set_gone();
  clients_.erase(it);
  return subscriptions;
}

bool Namespace::RemoveClient(Client* client, absl::string_view reason, const absl::Status& status) {
  Subscriptions subscriptions;
  {
    MutexLock lock(&mu_);
    if (!clients_.contains(client->id())) return false;
    subscriptions = RemoveClientLocked(client, reason);
  }
  for (const auto& [id, subscription] : subscriptions) subscription->End(status);
  shared_->changes.Notify();
  return true;
}

std::optional<int64_t> Namespace::ExpireClient(Client* client, const absl::Status& status) {
  Subscriptions subscriptions;
  {
    MutexLock lock(&mu_);
    auto it = clients_.find(client->id());
    if (it == clients_.end()) return std::nullopt;
    const int64_t now_us = shared_->NowUs();
    const int64_t lease_us = absl::ToInt64Microseconds(it->second.fields.lease);
    if (client->has_streams()) return now_us + lease_us;
    const int64_t end_us = client->last_active_us() + lease_us;
    if (end_us > now_us) return end_us;
    subscriptions = RemoveClientLocked(client, "LEASE_EXPIRED");
  }
  for (const auto& [id, subscription] : subscriptions) subscription->End(status);
  shared_->changes.Notify();
  return std::nullopt;
}

uint64_t Namespace::MembersLocked(const std::string& room) const {
  auto it = rooms_.find(room);
  return it == rooms_.end() ? 0 : it->second->members.size();
}

// Forgets the rooms that the client left so long ago that no message from then is held.
void Namespace::ForgetPast(Client* client) const {
  client->memberships().Forget(shared_->NowUs() - absl::ToInt64Microseconds(limits().queue_age + kTrimDelay));
}

absl::Status Namespace::JoinCheckLocked(const ClientEntry& entry, absl::Span<const std::string* const> rooms) const {
  ForgetPast(entry.client.get());
  absl::btree_set<absl::string_view> new_to_client;
  uint64_t new_to_all = 0;
  for (const std::string* room : rooms) {
    if (entry.rooms.contains(*room) || !new_to_client.insert(*room).second) continue;
    if (!rooms_.contains(*room)) ++new_to_all;
  }
  const uint64_t of_client = entry.client->memberships().size() + new_to_client.size();
  if (!new_to_client.empty() && of_client > limits().rooms_per_client) {
    return LimitExceeded("rooms_per_client", of_client, limits().rooms_per_client);
  }
  if (new_to_all > 0 && rooms_.size() + new_to_all > limits().rooms_per_namespace) {
    return LimitExceeded("rooms_per_namespace", rooms_.size() + new_to_all, limits().rooms_per_namespace);
  }
  return absl::OkStatus();
}

void Namespace::JoinLocked(ClientEntry* entry, const std::string& name) {
  std::unique_ptr<Room>& room = rooms_[name];
  if (room == nullptr) {
    room = std::make_unique<Room>();
    room->number = shared_->NumberOfRoom(name);
    room->create_time = shared_->clock->Now();
    v1::Change change = MakeChange(v1::CHANGE_KIND_ROOM_CREATED, nullptr);
    change.set_room(name);
    shared_->changes.Append(std::move(change));
  }
  if (!entry->rooms.try_emplace(name, room.get()).second) return;
  room->members.insert(entry->client->id());
  const uint64_t stamp = stamps_.fetch_add(1, std::memory_order_acq_rel) + 1;
  entry->client->memberships().Join(room->number, stamp);
  for (auto& [id, subscription] : entry->subscriptions) {
    subscription->ForEachCursor([&](Cursor* cursor) { cursor->queue->AddTarget(cursor, room->number); });
  }
  v1::Change change = MakeChange(v1::CHANGE_KIND_ROOM_JOINED, entry);
  change.set_room(name);
  shared_->changes.Append(std::move(change));
}

void Namespace::LeaveLocked(ClientEntry* entry, const std::string& name) {
  auto it = entry->rooms.find(name);
  if (it == entry->rooms.end()) return;
  Room* room = it->second;
  entry->rooms.erase(it);
  Memberships& memberships = entry->client->memberships();
  const uint64_t stamp = stamps_.fetch_add(1, std::memory_order_acq_rel) + 1;
  // Only messages that were addressed to the room meanwhile can still depend on the membership.
  const bool keep = room->last_addressed.load(std::memory_order_acquire) >= memberships.JoinStamp(room->number);
  memberships.Leave(room->number, stamp, shared_->NowUs(), keep);
  for (auto& [id, subscription] : entry->subscriptions) {
    subscription->ForEachCursor([&](Cursor* cursor) { cursor->queue->DropTarget(cursor, room->number); });
  }
  room->members.erase(entry->client->id());
  v1::Change change = MakeChange(v1::CHANGE_KIND_ROOM_LEFT, entry);
  change.set_room(name);
  shared_->changes.Append(std::move(change));
  if (!room->members.empty()) return;
  v1::Change deleted = MakeChange(v1::CHANGE_KIND_ROOM_DELETED, nullptr);
  deleted.set_room(name);
  shared_->changes.Append(std::move(deleted));
  rooms_.erase(name);
}

absl::StatusOr<std::vector<v1::RoomCount>> Namespace::Join(Client* client, absl::Span<const std::string* const> rooms) {
  std::vector<v1::RoomCount> counts;
  {
    MutexLock lock(&mu_);
    auto it = clients_.find(client->id());
    if (it == clients_.end()) return GoneStatus();
    absl::Status status = JoinCheckLocked(it->second, rooms);
    if (!status.ok()) return status;
    for (const std::string* room : rooms) {
      JoinLocked(&it->second, *room);
      v1::RoomCount& count = counts.emplace_back();
      count.set_room(*room);
      count.set_members(MembersLocked(*room));
    }
  }
  shared_->changes.Notify();
  return counts;
}

absl::StatusOr<std::vector<v1::RoomCount>> Namespace::Leave(Client* client,
                                                            absl::Span<const std::string* const> rooms) {
  std::vector<v1::RoomCount> counts;
  {
    MutexLock lock(&mu_);
    auto it = clients_.find(client->id());
    if (it == clients_.end()) return GoneStatus();
    ForgetPast(client);
    for (const std::string* room : rooms) {
      LeaveLocked(&it->second, *room);
      v1::RoomCount& count = counts.emplace_back();
      count.set_room(*room);
      count.set_members(MembersLocked(*room));
    }
  }
  shared_->changes.Notify();
  return counts;
}

}  // namespace nmq::broker
