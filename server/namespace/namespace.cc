#include "server/namespace/namespace.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/log/batch.h"

namespace nmq::broker {

Namespace::Namespace(const NamespaceConfig& config, bool declared, const Environment& all)
    : name_(config.name),
      declared_(declared),
      automatic_queues_(config.automatic_queues),
      limits_(all.limits),
      clock_(all.clock),
      metrics_(all.metrics),
      changes_(all.changes),
      numbers_(all.numbers),
      lanes_(all.lanes),
      storage_(all.storage),
      committer_(all.committer),
      delays_({name_, all.limits, all.clock, all.scheduled_bytes, all.committer, &counters_}),
      queue_factory_({name_, config.automatic_retention, all.limits, all.clock, all.epochs, all.rings, delays_.total(),
                      &stamps_, all.lanes}),
      group_factory_({name_, all.limits, all.clock, all.numbers, all.storage == nullptr ? nullptr : &all.storage->log(),
                      all.group_runner, all.committer}),
      publishing_({all.clock, all.lanes, all.committer, &delays_, &counters_, &mu_}),
      roster_({name_, all.limits, all.clock, all.numbers, &stamps_, all.changes}),
      queues_(name_, all.limits, all.changes, all.asks_callers),
      groups_(all.limits) {
  publish_rate_.Set(
      config.messages_per_second != 0 ? config.messages_per_second : limits_->messages_per_second_per_namespace,
      config.bytes_per_second != 0 ? config.bytes_per_second : limits_->bytes_per_second_per_namespace,
      limits_->rate_burst);
  // Nobody else knows of it yet, so nobody waits for the disk.
  MutexLock lock(&mu_);
  LoadLocked(config.queues);
}

void Namespace::CountRefusal(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return;
  counters_.Refused();
  metrics_->CountRefusal(status);
}

absl::Status Namespace::DeletedStatus() const {
  return NotFound("NAMESPACE_NOT_FOUND", absl::StrCat("namespace: namespace ", Quote(name_), " was deleted"),
                  {{"namespace", name_}});
}

void Namespace::WakeLanes() const {
  for (const auto& lane : lanes_) lane->Wake();
}

absl::Status Namespace::AddClient(const std::shared_ptr<Client>& client, ClientFields fields) {
  {
    MutexLock lock(&mu_);
    if (deleted()) return DeletedStatus();
    absl::Status status = roster_.Add(client, std::move(fields));
    if (!status.ok()) return status;
  }
  changes_->Notify();
  return absl::OkStatus();
}

bool Namespace::ResumeClient(const Client& client, const ClientFields& fields, bool lease_set, absl::Duration* lease,
                             std::vector<std::string>* rooms) {
  MutexLock lock(&mu_);
  Roster::Entry* const entry = roster_.Find(client.id());
  if (entry == nullptr) return false;
  Roster::Change(entry, fields, lease_set);
  *lease = entry->fields.lease;
  for (const auto& [room, unused] : entry->rooms) rooms->push_back(room);
  return true;
}

void Namespace::AppendSubscriptionChange(v1::ChangeKind kind, const Roster::Entry& entry,
                                         const std::string& subscription, absl::string_view reason) {
  v1::Change change = roster_.ChangeOf(kind, entry);
  change.set_subscription_id(subscription);
  change.set_reason(std::string(reason));
  changes_->Append(std::move(change));
}

SubscriptionTable::ById Namespace::RemoveClientLocked(Roster::Entry* entry, absl::string_view reason) {
  // The rooms go without them: they hear nothing more anyway.
  SubscriptionTable::ById subscriptions = subscriptions_.TakeOf(entry->client->id());
  for (const auto& [id, subscription] : subscriptions) {
    AppendSubscriptionChange(v1::CHANGE_KIND_SUBSCRIPTION_ENDED, *entry, subscription->id(), reason);
  }
  roster_.Remove(entry, reason);
  return subscriptions;
}

bool Namespace::RemoveClient(Client* client, absl::string_view reason, const absl::Status& status) {
  SubscriptionTable::ById subscriptions;
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(client->id());
    if (entry == nullptr) return false;
    subscriptions = RemoveClientLocked(entry, reason);
  }
  for (const auto& [id, subscription] : subscriptions) subscription->End(status);
  changes_->Notify();
  return true;
}

std::optional<int64_t> Namespace::ExpireClient(Client* client, const absl::Status& status) {
  SubscriptionTable::ById subscriptions;
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(client->id());
    if (entry == nullptr) return std::nullopt;
    const int64_t now_us = NowUs();
    const int64_t end_us = Roster::LeaseEnd(*entry, now_us);
    if (end_us > now_us) return end_us;
    subscriptions = RemoveClientLocked(entry, "LEASE_EXPIRED");
  }
  for (const auto& [id, subscription] : subscriptions) subscription->End(status);
  changes_->Notify();
  return std::nullopt;
}

void Namespace::JoinLocked(Roster::Entry* entry, const std::string& room) {
  const std::optional<uint64_t> number = roster_.Join(entry, room);
  if (!number.has_value()) return;
  for (const auto& [id, subscription] : subscriptions_.Of(entry->client->id())) {
    subscription->ForEachCursor([&](Cursor* cursor) { cursor->queue->AddTarget(cursor, *number); });
  }
}

void Namespace::LeaveLocked(Roster::Entry* entry, const std::string& room) {
  const std::optional<uint64_t> number = roster_.Leave(entry, room);
  if (!number.has_value()) return;
  for (const auto& [id, subscription] : subscriptions_.Of(entry->client->id())) {
    subscription->ForEachCursor([&](Cursor* cursor) { cursor->queue->DropTarget(cursor, *number); });
  }
}

v1::RoomCount Namespace::CountLocked(const std::string& room) const {
  v1::RoomCount count;
  count.set_room(room);
  count.set_members(roster_.Members(room));
  return count;
}

absl::StatusOr<std::vector<v1::RoomCount>> Namespace::Join(Client* client, absl::Span<const std::string* const> rooms) {
  std::vector<v1::RoomCount> counts;
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(client->id());
    if (entry == nullptr) return Roster::GoneStatus();
    absl::Status status = roster_.CheckJoin(*entry, rooms);
    if (!status.ok()) return status;
    for (const std::string* room : rooms) {
      JoinLocked(entry, *room);
      counts.push_back(CountLocked(*room));
    }
  }
  changes_->Notify();
  return counts;
}

absl::StatusOr<std::vector<v1::RoomCount>> Namespace::Leave(Client* client,
                                                            absl::Span<const std::string* const> rooms) {
  std::vector<v1::RoomCount> counts;
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(client->id());
    if (entry == nullptr) return Roster::GoneStatus();
    roster_.ForgetPast(*entry);
    for (const std::string* room : rooms) {
      LeaveLocked(entry, *room);
      counts.push_back(CountLocked(*room));
    }
  }
  changes_->Notify();
  return counts;
}

absl::Status Namespace::MoveClient(const std::string& id, absl::Span<const std::string* const> join,
                                   absl::Span<const std::string* const> leave) {
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(id);
    if (entry == nullptr) return Roster::GoneStatus();
    absl::Status status = roster_.CheckJoin(*entry, join);
    if (!status.ok()) return status;
    for (const std::string* room : leave) LeaveLocked(entry, *room);
    for (const std::string* room : join) {
      const bool member = entry->rooms.contains(*room);
      JoinLocked(entry, *room);
      if (!member) entry->moved.insert(*room);
    }
  }
  changes_->Notify();
  return absl::OkStatus();
}

void Namespace::TakeOut(const std::string& id, absl::Span<const std::string> rooms, const absl::Status& status) {
  std::vector<std::shared_ptr<Subscription>> subscriptions;
  {
    MutexLock lock(&mu_);
    Roster::Entry* const entry = roster_.Find(id);
    if (entry == nullptr) return;
    bool left = false;
    for (const std::string& room : rooms) {
      if (!entry->rooms.contains(room) || entry->moved.contains(room)) continue;
      LeaveLocked(entry, room);
      left = true;
    }
    if (!left) return;
    for (const auto& [unused, subscription] : subscriptions_.Of(id)) subscriptions.push_back(subscription);
  }
  for (const auto& subscription : subscriptions) subscription->End(status);
  changes_->Notify();
}

absl::Status Namespace::NoQueue(absl::string_view queue, bool made) const {
  ReaderMutexLock lock(&mu_);
  return made && !automatic_queues() ? queues_.NoQueueMade(queue) : queues_.NoQueue(queue);
}

bool Namespace::HasQueue(absl::string_view name) const {
  ReaderMutexLock lock(&mu_);
  return queues_.Contains(name);
}

bool Namespace::AnyHears(const Incoming& message) const {
  ReaderMutexLock lock(&mu_);
  return subscriptions_.AnyHears(message.queue, message.event);
}

absl::Status Namespace::Address(const Client* publisher, absl::Span<const Incoming> messages,
                                Addressed* addressed) const {
  ReaderMutexLock lock(&mu_);
  return broker::Address(roster_, queues_, *clock_, automatic_queues(), publisher, messages, addressed);
}

absl::Status Namespace::MakeQueues(absl::Span<const Incoming> messages) {
  {
    MutexLock lock(&mu_);
    if (deleted()) return DeletedStatus();
    absl::btree_set<absl::string_view> missing;
    for (const Incoming& message : messages) {
      if (!queues_.Contains(message.queue)) missing.insert(message.queue);
    }
    absl::Status status = queues_.CheckRoom(missing.size());
    if (!status.ok()) return status;
    for (absl::string_view name : missing) {
      AddQueueLocked(queue_factory_.Make(queue_factory_.Automatic(name), QueueOrigin::kAutomatic, std::nullopt));
    }
  }
  changes_->Notify();
  return absl::OkStatus();
}

absl::StatusOr<Addressed> Namespace::AddressAll(const Client* publisher, absl::Span<const Incoming> messages) {
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

absl::StatusOr<Addressed> Namespace::AddressQuestion(const Client* publisher, const Incoming& question) {
  const auto messages = absl::MakeConstSpan(&question, 1);
  Addressed addressed;
  absl::Status status = Address(publisher, messages, &addressed);
  if (!status.ok()) return status;
  if (!addressed.queue_missing) return addressed;
  // What nobody would hear makes no queue.
  if (!AnyHears(question)) return NobodyListens(name_, question.queue, question.event);
  return AddressAll(publisher, messages);
}

void Namespace::Publish(const Client* publisher, absl::Span<const Incoming> messages, const PublishOptions& options,
                        Publishing::Done done) {
  if (options.expected_last.value_or(0) != 0 && automatic_queues() && !HasQueue(messages.front().queue)) {
    // It would be made in vain.
    return done(SequenceMismatch(messages.front().queue, *options.expected_last, 0));
  }
  auto addressed = AddressAll(publisher, messages);
  if (!addressed.ok()) return done(addressed.status());
  publishing_.Publish(publisher, &*addressed, options, std::move(done));
}

void Namespace::PublishQuestion(const Client* publisher, const Incoming& question, absl::string_view reply_to,
                                Publishing::QuestionDone done) {
  auto addressed = AddressQuestion(publisher, question);
  if (!addressed.ok()) return done(addressed.status());
  publishing_.PublishQuestion(publisher, reply_to, &*addressed, std::move(done));
}

std::vector<std::shared_ptr<Queue>> Namespace::ServedQueues() const {
  ReaderMutexLock lock(&mu_);
  return queues_.Served();
}

void Namespace::DropRequestIds(const std::shared_ptr<Queue>& queue) {
  if (!queue->HasIdsToDrop()) return;
  auto job = std::make_unique<Committer::Job>();
  job->along = [queue](log::Batch* batch) { queue->DropRequestIds(batch); };
  job->done = [queue](const absl::Status& status, Committer::Job*) {
    if (status.ok()) queue->NoteDropped();
  };
  const absl::Status status = committer_->Submit(std::move(job));
  LOG_IF_EVERY_N(WARNING, !status.ok(), 60) << "queue " << queue->name() << " keeps old request ids: " << status;
}

void Namespace::TrimQueues() {
  for (const auto& queue : ServedQueues()) {
    queue->Trim(NowUs());
    if (!queue->durable()) continue;
    DropRequestIds(queue);
    const absl::Status status = queue->TrimDisk(clock_->Now());
    LOG_IF_EVERY_N(WARNING, !status.ok(), 60) << "queue " << queue->name() << " cannot be trimmed: " << status;
  }
}

void Namespace::DeliverDue() {
  if (delays_.total()->messages.load(std::memory_order_relaxed) == 0) return;
  const auto audience_of = [this](const std::string& publisher,
                                  const Incoming& message) -> std::shared_ptr<const log::Audience> {
    const uint64_t number = publisher.empty() ? 0 : numbers_->OfClient(publisher);
    ReaderMutexLock lock(&mu_);
    auto audience = AudienceOf(roster_, number, Roster::Absent::kSkip, message);
    return audience.ok() ? *std::move(audience) : nullptr;
  };
  delays_.DeliverDue(ServedQueues(), audience_of);
  WakeLanes();
}

Namespace::ClientView Namespace::ViewOf(const Roster::Entry& entry) const {
  ClientView view;
  view.client = entry.client.get();
  view.name = &entry.fields.name;
  view.labels = &entry.fields.labels;
  view.lease = entry.fields.lease;
  view.peer = &entry.fields.peer;
  for (const auto& [room, unused] : entry.rooms) view.rooms.push_back(room);
  for (const auto& [id, subscription] : subscriptions_.Of(entry.client->id())) {
    view.subscriptions.push_back(subscription.get());
  }
  return view;
}

std::string Namespace::VisitClients(const std::string& room, const std::string& after, int looks_max,
                                    absl::FunctionRef<bool(const ClientView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return roster_.VisitClients(room, after, looks_max, [&](const Roster::Entry& entry) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return visit(ViewOf(entry));
  });
}

bool Namespace::VisitClient(const std::string& id, absl::FunctionRef<void(const ClientView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  const Roster::Entry* const entry = roster_.Find(id);
  if (entry == nullptr) return false;
  visit(ViewOf(*entry));
  return true;
}

std::string Namespace::VisitSubscriptions(
    const std::string& client_id, const std::string& after, int looks_max,
    absl::FunctionRef<bool(Subscription&, const std::string& client_name)> visit) const {
  ReaderMutexLock lock(&mu_);
  return subscriptions_.Visit(client_id, after, looks_max,
                              [&](Subscription& subscription) ABSL_SHARED_LOCKS_REQUIRED(mu_) {
                                return visit(subscription, roster_.Find(subscription.client().id())->fields.name);
                              });
}

std::string Namespace::VisitRooms(const std::string& after, int looks_max,
                                  absl::FunctionRef<bool(const RoomView&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return roster_.VisitRooms(after, looks_max, [&](const std::string& name, const Roster::Room& room) {
    return visit({&name, room.members.size(), room.create_time});
  });
}

std::string Namespace::VisitQueues(const std::string& after, int looks_max,
                                   absl::FunctionRef<bool(const Queue&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return queues_.Visit(after, looks_max, visit);
}

std::string Namespace::VisitGroups(const std::string& after, int looks_max,
                                   absl::FunctionRef<bool(const Group&)> visit) const {
  ReaderMutexLock lock(&mu_);
  return groups_.Visit(after, looks_max, visit);
}

void Namespace::Describe(v1::NamespaceInfo* info) const {
  info->set_name(name_);
  info->set_automatic_queues(automatic_queues());
  counters_.ToProto(info->mutable_counters());
  ReaderMutexLock lock(&mu_);
  info->set_clients(roster_.clients());
  info->set_rooms(roster_.rooms());
  info->set_queues(queues_.size());
  info->set_subscriptions(subscriptions_.size());
}

}  // namespace nmq::broker
