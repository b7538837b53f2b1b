#include "server/broker/broker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "glog/logging.h"
#include "server/base/errors.h"
#include "server/base/names.h"
#include "server/broker/entry.h"
#include "server/broker/message_check.h"

namespace nmq::broker {
namespace {

constexpr size_t kClientIdRandomBytes = 8;
constexpr size_t kSecretBytes = 20;
constexpr size_t kKeyBytes = 32;
// Of namespaces that are and were there: each takes about a kilobyte.
constexpr size_t kNamespacesMax = 100'000;
constexpr absl::Duration kDrainRetry = absl::Seconds(1);

// Takes the same time wherever the texts differ.
bool SameSecret(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  proto->set_seconds(nanos / 1000000000);
  proto->set_nanos(static_cast<int32_t>(nanos % 1000000000));
}

std::vector<const std::string*> Pointers(const google::protobuf::RepeatedPtrField<std::string>& strings) {
  std::vector<const std::string*> pointers;
  for (const std::string& string : strings) pointers.push_back(&string);
  return pointers;
}

absl::StatusOr<std::vector<SubscriptionPattern>> ParsePatterns(const v1::SubscribeRequest& request,
                                                               const Limits& limits) {
  if (request.patterns().empty())
    return InvalidArgument("patterns", "is empty; say what to hear, for example queue \"**\"");
  if (static_cast<uint64_t>(request.patterns_size()) > limits.patterns_per_subscription) {
    return LimitExceeded("patterns_per_subscription", request.patterns_size(), limits.patterns_per_subscription);
  }
  std::vector<SubscriptionPattern> patterns;
  for (int i = 0; i < request.patterns_size(); ++i) {
    const v1::Pattern& wanted = request.patterns(i);
    auto queue = Pattern::Parse(absl::StrCat("patterns[", i, "].queue"), wanted.queue(), limits.name_bytes);
    if (!queue.ok()) return queue.status();
    auto event = Pattern::Parse(absl::StrCat("patterns[", i, "].event"), wanted.event().empty() ? "**" : wanted.event(),
                                limits.name_bytes);
    if (!event.ok()) return event.status();
    patterns.push_back({*std::move(queue), *std::move(event)});
  }
  return patterns;
}

absl::StatusOr<std::vector<HeaderFilter>> ParseHeaders(const v1::SubscribeRequest& request, const Limits& limits) {
  if (static_cast<uint64_t>(request.headers_size()) > limits.headers) {
    return LimitExceeded("headers", request.headers_size(), limits.headers);
  }
  if (request.headers_size() > 0 && request.has_group()) {
    return InvalidArgument("headers", "a group shares all of its queue's messages; leave headers or group unset");
  }
  std::vector<HeaderFilter> headers;
  for (int i = 0; i < request.headers_size(); ++i) {
    const v1::HeaderFilter& wanted = request.headers(i);
    const std::string field = absl::StrCat("headers[", i, "]");
    if (wanted.name().empty()) return InvalidArgument(absl::StrCat(field, ".name"), "a header's name is empty");
    if (wanted.name().size() > limits.header_name_bytes) {
      return LimitExceeded("header_name_bytes", wanted.name().size(), limits.header_name_bytes, field + ".name");
    }
    if (wanted.value().size() > limits.header_value_bytes) {
      return LimitExceeded("header_value_bytes", wanted.value().size(), limits.header_value_bytes, field + ".value");
    }
    HeaderFilter& header = headers.emplace_back();
    header.name = wanted.name();
    if (wanted.has_value()) header.value = wanted.value();
  }
  return headers;
}

}  // namespace

Broker::Broker(const ServerConfig& config, const Clock* clock, Random* random, int lanes, Storage* storage)
    : shared_(config.limits, clock, lanes, storage,
              storage != nullptr ? storage->key() : RandomName(*random, kKeyBytes)),
      random_(random),
      server_epoch_(shared_.NextEpoch()),
      questions_(config.limits.requests, config.limits.request_bytes) {
  MutexLock lock(&namespaces_mu_);
  for (const NamespaceConfig& name_space : config.namespaces) {
    namespaces_.emplace(name_space.name, std::make_unique<Namespace>(name_space, /*declared=*/true, &shared_));
  }
  if (storage == nullptr) return;
  for (NamespaceConfig& name_space : storage->MadeNamespaces(config.namespaces)) {
    name_space.automatic_retention = AutomaticRetention();
    namespaces_.emplace(name_space.name, std::make_unique<Namespace>(name_space, /*declared=*/false, &shared_));
  }
}

Broker::~Broker() {
  // What is looked for is for subscriptions of this broker.
  if (shared_.storage != nullptr) shared_.storage->FlushSearches();
  if (shared_.group_runner != nullptr) shared_.group_runner->Stop();
  shared_.committer = nullptr;
  // What it reads is for cursors of this broker.
  if (shared_.storage != nullptr) shared_.storage->FlushReader();
}

absl::Status Broker::Counted(Namespace* name_space, absl::Status status) {
  if (status.code() == absl::StatusCode::kResourceExhausted) name_space->counters().Refused();
  return status;
}

absl::Status Broker::CheckNotDraining() const {
  if (!draining()) return absl::OkStatus();
  return Unavailable("DRAINING", "the server is shutting down; connect elsewhere, or here again in a moment",
                     kDrainRetry);
}

absl::StatusOr<Namespace*> Broker::FindNamespace(absl::string_view name) const {
  if (name.empty()) name = kDefaultNamespace;
  {
    ReaderMutexLock lock(&namespaces_mu_);
    auto it = namespaces_.find(std::string(name));
    if (it != namespaces_.end() && !it->second->deleted()) return it->second.get();
  }
  absl::Status status = CheckName("namespace", name, limits().name_bytes);
  if (!status.ok()) return status;
  return NotFound("NAMESPACE_NOT_FOUND",
                  absl::StrCat("namespace: there is no namespace ", Quote(name),
                               "; declare it in the configuration, or make it with Admin.CreateNamespace"),
                  {{"namespace", name}});
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
  MutexLock lock(&namespaces_mu_);
  std::unique_ptr<Namespace>* found = nullptr;
  uint64_t count = 1;
  for (auto& [name, name_space] : namespaces_) {
    if (name == made.name) found = &name_space;
    if (!name_space->deleted()) ++count;
  }
  if (count > limits().namespaces) return LimitExceeded("namespaces", count, limits().namespaces);
  if (found == nullptr && namespaces_.size() >= kNamespacesMax) {
    return ResourceExhausted("TOO_MANY_NAMES",
                             absl::StrCat("name: ", namespaces_.size(),
                                          " namespaces were made since the server started, and it remembers no more; "
                                          "take one of their names, or restart it"),
                             absl::ZeroDuration());
  }
  if (found == nullptr) {
    found = &namespaces_[made.name];
    *found = std::make_unique<Namespace>(made, /*declared=*/false, &shared_);
  } else {
    (*found)->Undelete(made);
  }
  return found->get();
}

bool Broker::RemoveClient(const std::string& id, absl::string_view reason, const absl::Status& status) {
  std::shared_ptr<Client> client;
  {
    MutexLock lock(&sessions_mu_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    client = found->second;
  }
  const bool removed = client->name_space().RemoveClient(client.get(), reason, status);
  ForgetSession(client);
  return removed;
}

absl::StatusOr<std::shared_ptr<Client>> Broker::FindSession(absl::string_view session) const {
  if (session.empty()) return InvalidArgument("session", "is empty; Connect gives one");
  const std::vector<absl::string_view> parts = absl::StrSplit(session, '.');
  if (parts.size() != 3 || parts[1] != Base36(server_epoch_)) {
    return NotFound("SESSION_UNKNOWN", parts.size() == 3 ? "session: is of another run of the server; Connect again"
                                                         : "session: is none that this server gave; Connect gives one");
  }
  {
    MutexLock lock(&sessions_mu_);
    auto it = sessions_.find(parts[0]);
    if (it != sessions_.end() && !it->second->gone() && SameSecret(it->second->session(), session)) {
      it->second->Touch(shared_.NowUs());
      return it->second;
    }
  }
  return NotFound("SESSION_EXPIRED", "session: its client has disconnected or its lease has run out; Connect again");
}

absl::Status Broker::CheckClientFields(const v1::ConnectRequest& request, Namespace::ClientFields* fields) const {
  if (!request.name().empty()) {
    absl::Status status = CheckName("name", request.name(), limits().name_bytes);
    if (!status.ok()) return status;
  }
  if (static_cast<uint64_t>(request.labels_size()) > limits().labels) {
    return LimitExceeded("labels", request.labels_size(), limits().labels);
  }
  for (const auto& [name, value] : request.labels()) {
    if (name.empty()) return InvalidArgument("labels", "a label's name is empty");
    if (name.size() > limits().header_name_bytes) {
      return LimitExceeded("header_name_bytes", name.size(), limits().header_name_bytes, "labels");
    }
    if (value.size() > limits().header_value_bytes) {
      return LimitExceeded("header_value_bytes", value.size(), limits().header_value_bytes,
                           absl::StrCat("labels[", Quote(name), "]"));
    }
    fields->labels[name] = value;
  }
  fields->name = request.name();
  fields->lease = limits().lease_default;
  if (request.has_lease()) {
    fields->lease = absl::Seconds(request.lease().seconds()) + absl::Nanoseconds(request.lease().nanos());
    if (fields->lease < limits().lease_min || fields->lease > limits().lease_max) {
      return InvalidArgument("lease", absl::StrCat(absl::FormatDuration(fields->lease), " is not in ",
                                                   absl::FormatDuration(limits().lease_min), " to ",
                                                   absl::FormatDuration(limits().lease_max)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Client>> Broker::NewClient(Namespace* name_space, Namespace::ClientFields fields) {
  std::string id = absl::StrCat("c-", RandomName(*random_, kClientIdRandomBytes));
  std::string session = absl::StrCat(id, ".", Base36(server_epoch_), ".", RandomName(*random_, kSecretBytes));
  auto client = std::make_shared<Client>(name_space, shared_.NumberOfClient(id), id, std::move(session), clock().Now());
  client->Touch(shared_.NowUs());
  const absl::Duration lease = fields.lease;
  absl::Status status = name_space->AddClient(client, std::move(fields));
  if (!status.ok()) return Counted(name_space, status);
  {
    MutexLock lock(&sessions_mu_);
    sessions_.emplace(client->id(), client);
  }
  WatchLease(client, shared_.NowUs() + absl::ToInt64Microseconds(lease));
  return client;
}

absl::Status Broker::Connect(const v1::ConnectRequest& request, absl::string_view peer, v1::ConnectResponse* response) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  auto name_space = FindNamespace(request.namespace_());
  if (!name_space.ok()) return name_space.status();
  Namespace::ClientFields fields;
  status = CheckClientFields(request, &fields);
  if (!status.ok()) return Counted(*name_space, status);
  fields.peer = std::string(peer);

  absl::Duration lease = fields.lease;
  std::shared_ptr<Client> client;
  if (auto known = FindSession(request.session()); known.ok()) {
    if (!request.namespace_().empty() && &(*known)->name_space() != *name_space) {
      return FailedPrecondition("OTHER_NAMESPACE",
                                absl::StrCat("session: is of namespace ", Quote((*known)->name_space().name()),
                                             ", not of ", Quote(request.namespace_())));
    }
    std::vector<std::string> rooms;
    if ((*known)->name_space().ResumeClient(**known, fields, request.has_lease(), &lease, &rooms)) {
      client = *std::move(known);
      WatchLease(client, shared_.NowUs() + absl::ToInt64Microseconds(lease));
      response->set_resumed(true);
      for (std::string& room : rooms) response->add_rooms(std::move(room));
    }
  }
  if (client == nullptr) {
    auto made = NewClient(*name_space, std::move(fields));
    if (!made.ok()) return made.status();
    client = *std::move(made);
  }
  response->set_client_id(client->id());
  response->set_session(client->session());
  SetDuration(lease, response->mutable_lease());
  ToProto(limits(), response->mutable_limits());
  response->set_server_epoch(server_epoch_);
  return absl::OkStatus();
}

void Broker::ForgetSession(const std::shared_ptr<Client>& client) {
  WatchLease(client, 0);
  questions_.Gone(client->number());
  MutexLock lock(&sessions_mu_);
  sessions_.erase(client->id());
}

absl::Status Broker::Disconnect(const v1::DisconnectRequest& request) {
  auto client = FindSession(request.session());
  if (!client.ok()) return client.status();
  // OK: the client itself wanted its streams to end.
  (*client)->name_space().RemoveClient(client->get(), "DISCONNECTED", absl::OkStatus());
  ForgetSession(*client);
  return absl::OkStatus();
}

absl::Status Broker::CheckRooms(const google::protobuf::RepeatedPtrField<std::string>& rooms) const {
  // However often they are named.
  if (static_cast<uint64_t>(rooms.size()) > limits().rooms_per_client) {
    return LimitExceeded("rooms_per_client", rooms.size(), limits().rooms_per_client, "rooms");
  }
  for (int i = 0; i < rooms.size(); ++i) {
    absl::Status status = CheckName(absl::StrCat("rooms[", i, "]"), rooms.Get(i), limits().name_bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Broker::Join(const v1::JoinRequest& request, v1::JoinResponse* response) {
  auto client = FindSession(request.session());
  if (!client.ok()) return client.status();
  if (request.rooms().empty()) return InvalidArgument("rooms", "is empty");
  absl::Status status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(&(*client)->name_space(), status);
  auto counts = (*client)->name_space().Join(client->get(), Pointers(request.rooms()));
  if (!counts.ok()) return Counted(&(*client)->name_space(), counts.status());
  for (v1::RoomCount& count : *counts) *response->add_rooms() = std::move(count);
  return absl::OkStatus();
}

absl::Status Broker::Leave(const v1::LeaveRequest& request, v1::LeaveResponse* response) {
  auto client = FindSession(request.session());
  if (!client.ok()) return client.status();
  if (request.rooms().empty()) return InvalidArgument("rooms", "is empty");
  absl::Status status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(&(*client)->name_space(), status);
  auto counts = (*client)->name_space().Leave(client->get(), Pointers(request.rooms()));
  if (!counts.ok()) return counts.status();
  for (v1::RoomCount& count : *counts) *response->add_rooms() = std::move(count);
  return absl::OkStatus();
}

absl::StatusOr<Broker::Origin> Broker::FindOrigin(absl::string_view session, absl::string_view name_space) const {
  Origin origin;
  if (session.empty()) {
    auto found = FindNamespace(name_space);
    if (!found.ok()) return found.status();
    origin.name_space = *found;
    return origin;
  }
  auto client = FindSession(session);
  if (!client.ok()) return client.status();
  origin.client = *std::move(client);
  origin.name_space = &origin.client->name_space();
  if (!name_space.empty() && name_space != origin.name_space->name()) {
    return FailedPrecondition("OTHER_NAMESPACE",
                              absl::StrCat("namespace: the session is of namespace ", Quote(origin.name_space->name()),
                                           ", not of ", Quote(name_space)));
  }
  return origin;
}

void Broker::Publish(v1::PublishRequest* request, PublishDone done) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return done(status);
  auto found = FindOrigin(request->session(), request->namespace_());
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
  if (shared_.group_runner != nullptr) shared_.group_runner->Flush();
  if (shared_.committer != nullptr) shared_.committer->Flush();
}

absl::Status Broker::DiskHealth() const {
  return shared_.storage == nullptr ? absl::OkStatus() : shared_.storage->store().health();
}

absl::StatusOr<Namespace::SubscribeOptions> Broker::CheckSubscribe(const v1::SubscribeRequest& request,
                                                                   absl::string_view peer, Lane* lane,
                                                                   Subscription::Owner* owner) const {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  auto client = FindSession(request.session());
  if (!client.ok()) return client.status();
  Namespace* name_space = &(*client)->name_space();
  Namespace::SubscribeOptions options;
  auto patterns = ParsePatterns(request, limits());
  if (!patterns.ok()) return Counted(name_space, patterns.status());
  status = CheckRooms(request.rooms());
  if (!status.ok()) return Counted(name_space, status);
  auto headers = ParseHeaders(request, limits());
  if (!headers.ok()) return Counted(name_space, headers.status());
  auto start = Start::Parse(request.start(), limits().queues_per_namespace);
  if (!start.ok()) return Counted(name_space, start.status());
  options.overflow = request.overflow();
  if (!v1::Overflow_IsValid(options.overflow)) {
    return InvalidArgument("overflow", absl::StrCat(static_cast<int>(request.overflow()), " is not a policy"));
  }
  options.overflow_messages =
      request.overflow_messages() == 0 ? limits().overflow_messages : request.overflow_messages();
  if (options.overflow_messages > limits().overflow_messages) {
    return InvalidArgument("overflow_messages", absl::StrCat(options.overflow_messages, " exceeds the limit of ",
                                                             limits().overflow_messages));
  }
  if (request.has_group()) {
    auto group = ParseGroup(request.group(), *patterns, limits());
    if (!group.ok()) return Counted(name_space, group.status());
    options.group = *std::move(group);
  }
  options.client = *std::move(client);
  options.patterns = *std::move(patterns);
  options.headers = *std::move(headers);
  options.rooms = Pointers(request.rooms());
  options.start = *std::move(start);
  options.peer = std::string(peer);
  options.lane = lane;
  options.owner = owner;
  return options;
}

bool Broker::NeedsDisk(const Namespace::SubscribeOptions& options) {
  return options.client->name_space().NeedsDisk(options);
}

absl::Status Broker::PrepareSubscribe(Namespace::SubscribeOptions* options, const std::atomic<bool>* stop,
                                      std::function<void(const absl::Status&)> done) {
  const std::shared_ptr<Client> client = options->client;
  Namespace* const name_space = &client->name_space();
  const uint64_t searches = client->searches().fetch_add(1) + 1;
  if (searches > limits().subscriptions_per_client) {
    client->searches().fetch_sub(1);
    return Counted(name_space, LimitExceeded("subscriptions_per_client", searches, limits().subscriptions_per_client));
  }
  shared_.storage->Search([client, name_space, options, stop, done = std::move(done)] {
    const absl::Status status = Counted(name_space, name_space->PrepareSubscribe(options, stop));
    client->searches().fetch_sub(1);
    done(status);
  });
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Subscription>> Broker::Subscribe(Namespace::SubscribeOptions options, v1::Ready* ready) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  Namespace* const name_space = &options.client->name_space();
  SetDuration(limits().heartbeat, ready->mutable_heartbeat());
  auto subscription = name_space->Subscribe(std::move(options), ready);
  if (!subscription.ok()) return Counted(name_space, subscription.status());
  return subscription;
}

void Broker::Unsubscribe(Subscription* subscription, absl::string_view reason) {
  subscription->client().name_space().Unsubscribe(subscription, reason);
}

void Broker::Acknowledge(v1::AcknowledgeRequest* request, Group::AcknowledgeDone done) {
  auto client = FindSession(request->session());
  if (!client.ok()) return done(client.status());
  Namespace* const name_space = &(*client)->name_space();
  absl::Status status = CheckAcknowledge(*request, limits());
  if (!status.ok()) return done(Counted(name_space, status));
  auto group = name_space->FindGroup(request->queue(), request->group());
  if (!group.ok()) return done(group.status());
  status = (*group)->Acknowledge(std::move(*request), done);
  if (!status.ok()) done(Counted(name_space, status));
}

void Broker::WatchLease(const std::shared_ptr<Client>& client, int64_t due_us) {
  MutexLock lock(&leases_mu_);
  if (client->lease_due_us != 0) leases_.erase({client->lease_due_us, client});
  client->lease_due_us = due_us;
  if (due_us != 0) leases_.insert({due_us, client});
}

void Broker::ExpireLeases() {
  const int64_t now_us = shared_.NowUs();
  const absl::Status status = NotFound("SESSION_EXPIRED", "session: its lease has run out; Connect again");
  while (true) {
    std::shared_ptr<Client> client;
    {
      MutexLock lock(&leases_mu_);
      if (leases_.empty() || leases_.begin()->first > now_us) return;
      client = leases_.begin()->second;
      client->lease_due_us = 0;
      leases_.erase(leases_.begin());
    }
    const std::optional<int64_t> next_us = client->name_space().ExpireClient(client.get(), status);
    if (next_us.has_value()) {
      WatchLease(client, *next_us);
    } else {
      ForgetSession(client);
    }
  }
}

void Broker::DeliverDue() {
  for (Namespace* name_space : NamespacesAfter("")) name_space->DeliverDue();
}

// Once for each change; the words alone, such as how much is free, are no change.
void Broker::LogDiskHealth() {
  const absl::Status health = DiskHealth();
  if (health.code() == logged_health_) return;
  logged_health_ = health.code();
  if (health.ok()) {
    LOG(WARNING) << "the disk can be written to again";
  } else {
    LOG(ERROR) << health.message();
  }
}

void Broker::Housekeep() {
  DeliverDue();
  ExpireLeases();
  if (shared_.storage != nullptr) shared_.storage->store().Housekeep();
  LogDiskHealth();
  for (Namespace* name_space : NamespacesAfter("")) name_space->TrimQueues();
  if (shared_.group_runner != nullptr) shared_.group_runner->Tick();
}

}  // namespace nmq::broker
