#include "server/broker/broker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/names.h"
#include "server/call/refusal.h"
#include "server/limits/memory_shares.h"
#include "server/message/entry.h"
#include "server/message/message_check.h"
#include "server/message/proto_fields.h"

namespace nmq::broker {
namespace {

constexpr size_t kKeyBytes = 32;
// Of namespaces that are and were there: each takes about a kilobyte.
constexpr size_t kNamespacesMax = 100'000;
constexpr absl::Duration kDrainRetry = absl::Seconds(1);

}  // namespace

Broker::Broker(const ServerConfig& config, const Clock* clock, Random* random, Lanes lanes, Storage* storage,
               const Access* access)
    : limits_(config.limits),
      clock_(clock),
      random_(random),
      rings_(limits_.all_queues_bytes),
      // From the time on, so that a revision of an earlier run of the server is not taken for one of this.
      changes_(limits_.watch_changes, clock, absl::ToUnixMicros(clock->Now())),
      lanes_(std::move(lanes).Take()),
      epochs_(clock),
      numbers_(storage != nullptr ? storage->key() : RandomName(*random, kKeyBytes)),
      storage_(storage),
      group_runner_(storage == nullptr ? nullptr : std::make_unique<GroupRunner>(clock)),
      committer_(storage == nullptr
                     ? nullptr
                     : std::make_unique<Committer>(
                           &storage->log(), clock, lanes_,
                           Committer::Bounds{limits_.unwritten_bytes, ShareMemory(limits_.memory_bytes).commit},
                           &metrics_)),
      access_(*access),
      identities_(&limits_),
      server_epoch_(epochs_.Next()),
      questions_(config.limits.requests, config.limits.request_bytes),
      session_ids_(Base36(server_epoch_), random) {
  AddGauges();
  MutexLock lock(&namespaces_mu_);
  for (const NamespaceConfig& name_space : config.namespaces) {
    namespaces_.emplace(name_space.name, std::make_unique<Namespace>(name_space, /*declared=*/true, Environment()));
  }
  if (storage == nullptr) return;
  for (NamespaceConfig& name_space : storage->MadeNamespaces(config.namespaces)) {
    name_space.automatic_retention = AutomaticRetention();
    namespaces_.emplace(name_space.name, std::make_unique<Namespace>(name_space, /*declared=*/false, Environment()));
  }
}

Namespace::Environment Broker::Environment() {
  Namespace::Environment all;
  all.limits = &limits_;
  all.clock = clock_;
  all.metrics = &metrics_;
  all.changes = &changes_;
  all.numbers = &numbers_;
  all.epochs = &epochs_;
  all.rings = &rings_;
  all.scheduled_bytes = &scheduled_bytes_;
  all.lanes = lanes_;
  all.storage = storage_;
  all.group_runner = group_runner_.get();
  all.committer = committer_.get();
  all.asks_callers = &access_ != &OpenAccess();
  return all;
}

Broker::~Broker() {
  // What is looked for is for subscriptions of this broker.
  searches_.WaitForNone();
  // What waited for its time and was read goes to the committer.
  if (storage_ != nullptr) storage_->log().Flush();
  if (group_runner_ != nullptr) group_runner_->Stop();
  committer_ = nullptr;
  // What it reads is for cursors of this broker.
  if (storage_ != nullptr) storage_->log().Flush();
}

void Broker::AddGauges() {
  const auto add = [this](const std::string& name, const std::string& help, std::function<double()> read) {
    metrics_.AddGauge(name, help, std::move(read));
  };
  add("nmq_ring_bytes", "Bytes that queues hold in memory, all together.",
      [this] { return static_cast<double>(rings_.bytes.load(std::memory_order_relaxed)); });
  add("nmq_ring_limit_bytes", "What queues may hold in memory, all together: all_queues_bytes.",
      [this] { return static_cast<double>(rings_.bytes_max); });
  if (storage_ == nullptr) return;
  add("nmq_unwritten_bytes", "Bytes of messages that wait to be written to disk.",
      [this] { return static_cast<double>(committer_->unwritten_bytes()); });
  add("nmq_store_memory_bytes", "Bytes of the store's memory tables.",
      [this] { return static_cast<double>(storage_->store().totals().memory_bytes); });
  add("nmq_store_file_bytes", "Bytes of the store's files, without its write-ahead log.",
      [this] { return static_cast<double>(storage_->store().totals().file_bytes); });
}

absl::Status Broker::Counted(Namespace* name_space, absl::Status status) {
  name_space->CountRefusal(status);
  return status;
}

absl::Status Broker::CheckNotDraining() const {
  if (!draining()) return absl::OkStatus();
  return Unavailable("DRAINING", "the server is shutting down; connect elsewhere, or here again in a moment",
                     kDrainRetry);
}

absl::StatusOr<Namespace*> Broker::FindNamespaceWith(const Call& call, absl::string_view name,
                                                     const Wanted& wanted) const {
  const Names& names = wanted.names;
  if (name.empty()) name = kDefaultNamespace;
  Namespace* found = nullptr;
  {
    ReaderMutexLock lock(&namespaces_mu_);
    auto it = namespaces_.find(std::string(name));
    if (it != namespaces_.end() && !it->second->deleted()) found = it->second.get();
  }
  absl::Status status;
  // Of what is not there, no name says more than that of its namespace.
  if (found == nullptr || names.empty()) status = Admit(call, name);
  if (found != nullptr && !names.empty()) {
    status = Admit(call, *found, names);
    if (absl::IsNotFound(status) && !status.message().empty()) return status;
  }
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  if (status.ok() && found != nullptr && !wanted.counts.ok()) return Counted(found, wanted.counts);
  if (status.ok() && found != nullptr) return found;
  absl::Status told = CheckName("namespace", name, limits().name_bytes);
  if (told.ok()) told = NoNamespace(name, /*asked=*/call.principal != nullptr);
  return IsRefusal(status) ? MarkRefusal(std::move(told)) : told;
}

std::vector<Namespace*> Broker::NamespacesAfter(const std::string& after) const {
  std::vector<Namespace*> found;
  ReaderMutexLock lock(&namespaces_mu_);
  for (auto it = namespaces_.upper_bound(after); it != namespaces_.end(); ++it) {
    if (!it->second->deleted()) found.push_back(it->second.get());
  }
  return found;
}

RetentionConfig Broker::AutomaticRetention() const {
  return {limits().queue_bytes, limits().queue_messages, limits().queue_age};
}

absl::StatusOr<Namespace*> Broker::AddNamespace(const NamespaceConfig& config) {
  NamespaceConfig made = config;
  made.automatic_retention = AutomaticRetention();
  Namespace* known = nullptr;
  {
    ReaderMutexLock lock(&namespaces_mu_);
    uint64_t count = 1;
    for (const auto& [name, name_space] : namespaces_) {
      if (name == made.name) known = name_space.get();
      if (!name_space->deleted()) ++count;
    }
    if (count > limits().namespaces) return LimitExceeded("namespaces", count, limits().namespaces);
    if (known == nullptr && namespaces_.size() >= kNamespacesMax) {
      return ResourceExhausted("TOO_MANY_NAMES",
                               absl::StrCat("name: ", namespaces_.size(),
                                            " namespaces were made since the server started, and it remembers no "
                                            "more; take one of their names, or restart it"),
                               absl::ZeroDuration());
    }
  }
  // Without the lock: either may wait for the disk.
  if (known != nullptr) {
    known->Undelete(made);
    return known;
  }
  auto name_space = std::make_unique<Namespace>(made, /*declared=*/false, Environment());
  MutexLock lock(&namespaces_mu_);
  return namespaces_.emplace(made.name, std::move(name_space)).first->second.get();
}

absl::Status Broker::CheckRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms) const {
  for (int i = 0; i < rooms.size(); ++i) {
    absl::Status status = CheckName(absl::StrCat("rooms[", i, "]"), rooms.Get(i), limits().name_bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Broker::Join(const Call& call, const v1::JoinRequest& request, v1::JoinResponse* response) {
  auto session = FindSession(call, request);
  if (!session.ok()) return session.status();
  Namespace* const name_space = session->name_space;
  if (request.rooms().empty()) return InvalidArgument("rooms", "is empty");
  absl::Status status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(name_space, status);
  auto counts = name_space->Join(session->client.get(), Pointers(request.rooms()));
  if (!counts.ok()) return Counted(name_space, counts.status());
  for (v1::RoomCount& count : *counts) *response->add_rooms() = std::move(count);
  return absl::OkStatus();
}

absl::Status Broker::Leave(const Call& call, const v1::LeaveRequest& request, v1::LeaveResponse* response) {
  auto session = FindSession(call, request);
  if (!session.ok()) return session.status();
  Namespace* const name_space = session->name_space;
  if (request.rooms().empty()) return InvalidArgument("rooms", "is empty");
  absl::Status status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(name_space, status);
  auto counts = name_space->Leave(session->client.get(), Pointers(request.rooms()));
  if (!counts.ok()) return counts.status();
  for (v1::RoomCount& count : *counts) *response->add_rooms() = std::move(count);
  return absl::OkStatus();
}

absl::StatusOr<Broker::Origin> Broker::FindOriginWith(const Call& call, absl::string_view session,
                                                      absl::string_view name_space, const Wanted& wanted) const {
  Origin origin;
  if (session.empty()) {
    auto found = FindNamespaceWith(call, name_space, wanted);
    if (!found.ok()) return found.status();
    origin.name_space = *found;
    origin.use = identities_.Of(call.principal.get());
    return origin;
  }
  auto found = FindSessionWith(call, session, wanted);
  if (!found.ok()) return found.status();
  origin.client = std::move(found->client);
  origin.use = origin.client->use();
  origin.name_space = found->name_space;
  if (!name_space.empty() && name_space != origin.name_space->name()) {
    return FailedPrecondition("OTHER_NAMESPACE",
                              absl::StrCat("namespace: the session is of namespace ", Quote(origin.name_space->name()),
                                           ", not of ", Quote(name_space)));
  }
  return origin;
}

absl::Status Broker::CountPublishing(const Origin& origin, uint64_t messages, uint64_t bytes) const {
  if (origin.use != nullptr) {
    absl::Status status = origin.use->Publish(messages, bytes, clock());
    if (!status.ok()) return status;
  }
  Namespace* const name_space = origin.name_space;
  absl::Status status = name_space->publish_rate().Take(messages, bytes, clock(), "namespace", name_space->name());
  if (!status.ok() && origin.use != nullptr) origin.use->TakeBack(messages, bytes);
  return status;
}

void Broker::Publish(const Call& call, v1::PublishRequest* request, PublishDone done) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return done(status);
  auto found = FindOrigin(call, *request);
  if (!found.ok()) return done(found.status());
  const Origin origin = *std::move(found);
  if (!request->has_message()) return done(InvalidArgument("message", "is not set"));
  Incoming message = FromMessage(request->mutable_message());
  status = CheckMessage(limits(), clock(), message, origin.client != nullptr);
  if (!status.ok()) return done(Counted(origin.name_space, status));
  if (request->has_expected_last_sequence() && message.deliver_us != 0) {
    return done(InvalidArgument("expected_last_sequence", "is set beside message.deliver_at; leave one of them unset"));
  }
  google::protobuf::Arena arena;
  EncodeBody(&arena, &message);
  if (call.principal != nullptr) ScopeRequestId(&arena, call.principal->name, &message);
  status = CountPublishing(origin, 1, message.body.size());
  if (!status.ok()) return done(Counted(origin.name_space, status));
  const bool count_matches = request->count_matches();
  auto finish = [origin, count_matches, bytes = message.body.size(),
                 done = std::move(done)](absl::StatusOr<Namespace::Published> published) {
    if (!published.ok()) return done(Counted(origin.name_space, published.status()));
    v1::PublishResponse response;
    if (published->duplicates.empty()) {
      if (origin.client != nullptr) origin.client->counters().Published(1, bytes);
      response.set_epoch(published->epoch);
      if (!published->ranges.empty()) response.set_sequence(published->ranges.front().first());
    } else {
      response.set_epoch(published->duplicates.front().position().epoch());
      response.set_sequence(published->duplicates.front().position().sequence());
      response.set_duplicate(true);
    }
    const bool waits = response.sequence() == 0;
    if (!waits) response.set_id(MessageId(response.epoch(), response.sequence()));
    response.set_storage(published->storage);
    if (count_matches && !waits) response.set_matched(published->matched);
    done(std::move(response));
  };
  Namespace::PublishOptions options;
  options.count_matches = count_matches;
  if (request->has_expected_last_sequence()) options.expected_last = request->expected_last_sequence();
  origin.name_space->Publish(origin.client.get(), absl::MakeConstSpan(&message, 1), options, std::move(finish));
}

void Broker::FlushToDisk() {
  if (storage_ != nullptr) storage_->log().Flush();
  if (group_runner_ != nullptr) group_runner_->Flush();
  if (committer_ != nullptr) committer_->Flush();
}

absl::Status Broker::DiskHealth() const { return storage_ == nullptr ? absl::OkStatus() : storage_->log().health(); }

void Broker::DeliverDue() {
  for (Namespace* name_space : NamespacesAfter("")) name_space->DeliverDue();
}

void Broker::MaintainStore() {
  if (storage_ != nullptr) storage_->store().Housekeep();
}

void Broker::TrimQueues() {
  for (Namespace* name_space : NamespacesAfter("")) name_space->TrimQueues();
}

void Broker::TickGroups() {
  if (group_runner_ != nullptr) group_runner_->Tick();
}

}  // namespace nmq::broker
