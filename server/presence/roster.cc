#include "server/presence/roster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/visit_after.h"

namespace nmq::broker {
namespace {

// Queues may hold messages that are too old for about as long: see Broker::Housekeep.
constexpr absl::Duration kTrimDelay = absl::Seconds(10);

// A target that is named twice would hear twice.
void RemoveDuplicates(std::vector<uint64_t>* numbers) {
  if (numbers->size() < 2) return;
  std::sort(numbers->begin(), numbers->end());
  numbers->erase(std::unique(numbers->begin(), numbers->end()), numbers->end());
}

int64_t NowUs(const Clock& clock) { return absl::ToInt64Microseconds(clock.Monotonic()); }

}  // namespace

absl::Status Roster::GoneStatus() {
  return NotFound("SESSION_EXPIRED", "session: its client has disconnected or its lease has run out; Connect again");
}

v1::Change Roster::ChangeOf(v1::ChangeKind kind, const Entry& entry) const {
  v1::Change change = NewChange(kind, options_.name_space);
  change.set_client_id(entry.client->id());
  change.set_client_name(entry.fields.name);
  return change;
}

void Roster::AppendRoomChange(v1::ChangeKind kind, const std::string& room) {
  v1::Change change = NewChange(kind, options_.name_space);
  change.set_room(room);
  options_.changes->Append(std::move(change));
}

absl::Status Roster::Add(const std::shared_ptr<Client>& client, ClientFields fields) {
  const uint64_t count_max = options_.limits->clients_per_namespace;
  if (clients_.size() >= count_max) return LimitExceeded("clients_per_namespace", clients_.size() + 1, count_max);
  if (fields.name.empty()) fields.name = client->id();
  Entry& entry = clients_[client->id()];
  entry.client = client;
  entry.fields = std::move(fields);
  options_.changes->Append(ChangeOf(v1::CHANGE_KIND_CLIENT_CONNECTED, entry));
  return absl::OkStatus();
}

void Roster::Change(Entry* entry, const ClientFields& fields, bool lease_set) {
  ClientFields& kept = entry->fields;
  if (!fields.name.empty()) kept.name = fields.name;
  if (!fields.labels.empty()) kept.labels = fields.labels;
  if (lease_set) kept.lease = fields.lease;
  kept.peer = fields.peer;
}

void Roster::Remove(Entry* entry, absl::string_view reason) {
  while (!entry->rooms.empty()) Leave(entry, std::string(entry->rooms.begin()->first));
  v1::Change change = ChangeOf(v1::CHANGE_KIND_CLIENT_DISCONNECTED, *entry);
  change.set_reason(std::string(reason));
  options_.changes->Append(std::move(change));
  entry->client->set_gone();
  clients_.erase(std::string(entry->client->id()));
}

Roster::Entry* Roster::Find(absl::string_view id) {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : &found->second;
}

const Roster::Entry* Roster::Find(absl::string_view id) const {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : &found->second;
}

int64_t Roster::LeaseEnd(const Entry& entry, int64_t now_us) {
  const int64_t from_us = entry.client->has_streams() ? now_us : entry.client->last_active_us();
  return from_us + absl::ToInt64Microseconds(entry.fields.lease);
}

uint64_t Roster::Members(const std::string& room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? 0 : found->second->members.size();
}

void Roster::ForgetPast(const Entry& entry) const {
  const absl::Duration held = options_.limits->queue_age + kTrimDelay;
  entry.client->memberships().Forget(NowUs(*options_.clock) - absl::ToInt64Microseconds(held));
}

absl::Status Roster::CheckJoin(const Entry& entry, absl::Span<const std::string* const> rooms) const {
  ForgetPast(entry);
  const Limits& limits = *options_.limits;
  absl::btree_set<absl::string_view> new_to_client;
  uint64_t new_to_all = 0;
  for (const std::string* room : rooms) {
    if (entry.rooms.contains(*room) || !new_to_client.insert(*room).second) continue;
    if (!rooms_.contains(*room)) ++new_to_all;
  }
  const uint64_t of_client = entry.client->memberships().size() + new_to_client.size();
  if (!new_to_client.empty() && of_client > limits.rooms_per_client) {
    return LimitExceeded("rooms_per_client", of_client, limits.rooms_per_client);
  }
  if (new_to_all > 0 && rooms_.size() + new_to_all > limits.rooms_per_namespace) {
    return LimitExceeded("rooms_per_namespace", rooms_.size() + new_to_all, limits.rooms_per_namespace);
  }
  return absl::OkStatus();
}

std::optional<uint64_t> Roster::Join(Entry* entry, const std::string& name) {
  std::unique_ptr<Room>& room = rooms_[name];
  if (room == nullptr) {
    room = std::make_unique<Room>();
    room->number = options_.numbers->OfRoom(name);
    room->create_time = options_.clock->Now();
    AppendRoomChange(v1::CHANGE_KIND_ROOM_CREATED, name);
  }
  if (!entry->rooms.try_emplace(name, room.get()).second) return std::nullopt;
  room->members.insert(entry->client->id());
  const uint64_t stamp = options_.stamps->fetch_add(1, std::memory_order_acq_rel) + 1;
  entry->client->memberships().Join(room->number, stamp);
  v1::Change change = ChangeOf(v1::CHANGE_KIND_ROOM_JOINED, *entry);
  change.set_room(name);
  options_.changes->Append(std::move(change));
  return room->number;
}

std::optional<uint64_t> Roster::Leave(Entry* entry, const std::string& name) {
  const auto found = entry->rooms.find(name);
  if (found == entry->rooms.end()) return std::nullopt;
  Room* const room = found->second;
  const uint64_t number = room->number;
  entry->rooms.erase(found);
  entry->moved.erase(name);
  Memberships& memberships = entry->client->memberships();
  const uint64_t stamp = options_.stamps->fetch_add(1, std::memory_order_acq_rel) + 1;
  // Only messages that were addressed to the room meanwhile can still depend on the membership.
  const bool keep = room->last_addressed.load(std::memory_order_acquire) >= memberships.JoinStamp(number);
  memberships.Leave(number, stamp, NowUs(*options_.clock), keep);
  room->members.erase(entry->client->id());
  v1::Change change = ChangeOf(v1::CHANGE_KIND_ROOM_LEFT, *entry);
  change.set_room(name);
  options_.changes->Append(std::move(change));
  if (room->members.empty()) {
    AppendRoomChange(v1::CHANGE_KIND_ROOM_DELETED, name);
    rooms_.erase(name);
  }
  return number;
}

absl::Status Roster::Resolve(const v1::Audience& audience, uint64_t publisher, Absent absent,
                             std::vector<uint64_t>* targets, std::vector<uint64_t>* excepts) const {
  const uint64_t stamp = options_.stamps->load(std::memory_order_acquire);
  auto add_room = [&](const std::string& name, std::vector<uint64_t>* numbers) {
    const auto found = rooms_.find(name);
    if (found == rooms_.end()) {
      // A client that joins later may hear it from a queue that is on disk.
      numbers->push_back(options_.numbers->OfRoom(name));
      return;
    }
    found->second->last_addressed.store(stamp, std::memory_order_release);
    numbers->push_back(found->second->number);
  };
  for (const std::string& room : audience.rooms()) add_room(room, targets);
  for (const std::string& room : audience.except_rooms()) add_room(room, excepts);
  for (const std::string& id : audience.clients()) {
    const Entry* const entry = Find(id);
    if (entry == nullptr && absent == Absent::kSkip) continue;
    if (entry == nullptr) {
      return NotFound(
          "CLIENT_NOT_FOUND",
          absl::StrCat("audience.clients: namespace ", Quote(options_.name_space), " has no client ", Quote(id)),
          {{"client", id}, {"namespace", options_.name_space}});
    }
    targets->push_back(entry->client->number());
  }
  for (const std::string& id : audience.except_clients()) {
    const Entry* const entry = Find(id);
    if (entry != nullptr) excepts->push_back(entry->client->number());
  }
  if (audience.except_publisher()) excepts->push_back(publisher);
  RemoveDuplicates(targets);
  RemoveDuplicates(excepts);
  return absl::OkStatus();
}

std::string Roster::VisitClients(const std::string& room, const std::string& after, int looks_max,
                                 absl::FunctionRef<bool(const Entry&)> visit) const {
  if (room.empty()) {
    return VisitMapAfter(clients_, after, looks_max, [&](const auto& item) { return visit(item.second); });
  }
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return "";
  return VisitAfter(
      found->second->members, after, looks_max, [](const std::string& id) -> const std::string& { return id; },
      [&](const std::string& id) { return visit(*Find(id)); });
}

std::string Roster::VisitRooms(const std::string& after, int looks_max,
                               absl::FunctionRef<bool(const std::string& name, const Room&)> visit) const {
  return VisitMapAfter(rooms_, after, looks_max, [&](const auto& item) { return visit(item.first, *item.second); });
}

}  // namespace nmq::broker
