#include "server/admin/admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/names.h"
#include "server/call/named.h"
#include "server/call/refusal.h"
#include "server/config/config.h"
#include "server/message/proto_fields.h"
#include "server/namespace/client_filter.h"
#include "server/registry/sight.h"

namespace nmq::broker {
namespace {

// Clients looked at before others get the namespace.
constexpr int kLooksMax = 1000;

absl::Status DeclaredNamespace(const std::string& name) {
  const absl::string_view why =
      name == kDefaultNamespace
          ? " is every server's own; change it in the file that --config names, or delete its queues one by one"
          : " is declared in the configuration file; change it there, and start the server anew";
  return FailedPrecondition("DECLARED", absl::StrCat("name: namespace ", Quote(name), why), {{"namespace", name}});
}

// The namespace that is to be changed itself. Who may not is told so, whatever the name.
template <typename Request>
absl::StatusOr<Namespace*> Changed(const Broker& broker, const Call& call, const Request& request) {
  auto found = broker.FindNamespace(call, request);
  if (IsRefusal(found.status())) return found.status();
  absl::Status checked = CheckName("name", request.name(), broker.limits().name_bytes);
  return checked.ok() ? found : checked;
}

}  // namespace

absl::Status Admin::CheckNames(absl::string_view field,
                               const google::protobuf::RepeatedPtrField<std::string>& names) const {
  for (int i = 0; i < names.size(); ++i) {
    absl::Status status = CheckName(absl::StrCat(field, "[", i, "]"), names.Get(i), limits().name_bytes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Admin::CheckGroup(const std::string& queue, const std::string& group) const {
  absl::Status status = CheckName("queue", queue, limits().name_bytes);
  return status.ok() ? CheckName("group", group, limits().name_bytes) : status;
}

absl::StatusOr<std::vector<std::string>> Admin::Events(
    absl::string_view field, const google::protobuf::RepeatedPtrField<std::string>& events) const {
  for (int i = 0; i < events.size(); ++i) {
    absl::Status status = CheckName(absl::StrCat(field, "[", i, "]"), events.Get(i), limits().name_bytes);
    if (!status.ok()) return status;
  }
  std::vector<std::string> sorted(events.begin(), events.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

absl::StatusOr<RetentionConfig> Admin::Retention(const v1::Retention& retention, bool durable) const {
  return ResolveRetention(retention, durable, limits(), [](const char* field, const std::string& message) {
    return InvalidArgument(absl::StrCat("retention.", field), message);
  });
}

absl::Status Admin::CreateNamespace(const Call& call, const v1::CreateNamespaceRequest& request,
                                    v1::CreateNamespaceResponse* response) {
  absl::Status status = broker_.Admit(call, Named(request.name(), kAllOfThem, kAllOfThem));
  if (absl::IsNotFound(status)) {
    return MarkRefusal(PermissionDenied("FORBIDDEN",
                                        absl::StrCat("you may not make a namespace ", Quote(request.name())),
                                        {{"right", NameOf(call.right)}, {"namespace", request.name()}}));
  }
  if (!status.ok()) return status;
  status = CheckName("name", request.name(), limits().name_bytes);
  if (!status.ok()) return status;
  if (broker_.FindNamespace(call, request).ok()) {
    return AlreadyExists("NAMESPACE_EXISTS", absl::StrCat("name: there is a namespace ", Quote(request.name())),
                         {{"namespace", request.name()}});
  }
  NamespaceConfig config;
  config.name = request.name();
  config.automatic_queues = request.automatic_queues();
  auto made = broker_.AddNamespace(config);
  if (!made.ok()) return made.status();
  if (broker_.storage() != nullptr) {
    status = broker_.storage()->PutNamespace(config);
    if (!status.ok()) {
      (*made)->Delete().IgnoreError();
      return status;
    }
    response->set_kept(true);
  }
  v1::Change change;
  change.set_kind(v1::CHANGE_KIND_NAMESPACE_CREATED);
  change.set_namespace_(request.name());
  broker_.changes().Append(std::move(change));
  broker_.changes().Notify();
  (*made)->Describe(response->mutable_namespace_());
  return absl::OkStatus();
}

absl::Status Admin::UpdateNamespace(const Call& call, const v1::UpdateNamespaceRequest& request,
                                    v1::UpdateNamespaceResponse* response) {
  auto found = Changed(broker_, call, request);
  if (!found.ok()) return found.status();
  if ((*found)->declared()) return DeclaredNamespace((*found)->name());
  if (request.has_automatic_queues()) {
    NamespaceConfig config;
    config.name = request.name();
    config.automatic_queues = request.automatic_queues();
    if (broker_.storage() != nullptr) {
      absl::Status status = broker_.storage()->PutNamespace(config);
      if (!status.ok()) return status;
    }
    (*found)->set_automatic_queues(config.automatic_queues);
  }
  (*found)->Describe(response->mutable_namespace_());
  return absl::OkStatus();
}

absl::Status Admin::DeleteNamespace(const Call& call, const v1::DeleteNamespaceRequest& request,
                                    v1::DeleteNamespaceResponse*) {
  auto found = Changed(broker_, call, request);
  if (!found.ok()) return found.status();
  if ((*found)->declared()) return DeclaredNamespace((*found)->name());
  const absl::Status status = (*found)->Delete();
  auto clients = ClientsOf(**found, v1::ClientFilter(), /*all=*/true);
  if (!clients.ok()) return clients.status();
  const absl::Status reason =
      NotFound("NAMESPACE_NOT_FOUND", absl::StrCat("namespace: namespace ", Quote(request.name()), " was deleted"),
               {{"namespace", request.name()}});
  for (const std::string& id : *clients) broker_.RemoveClient(id, "NAMESPACE_DELETED", reason);
  broker_.changes().Notify();
  return status;
}

absl::Status Admin::CreateQueue(const Call& call, const v1::CreateQueueRequest& request,
                                v1::CreateQueueResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckName("name", request.name(), limits().name_bytes);
  if (!status.ok()) return status;
  if (!v1::Durability_IsValid(request.durability())) {
    return InvalidArgument("durability", absl::StrCat(static_cast<int>(request.durability()),
                                                      " is no durability: live is 1, durable 2, buffered 3"));
  }
  QueueConfig config;
  config.name = request.name();
  if (request.durability() != v1::DURABILITY_UNSPECIFIED) config.durability = request.durability();
  auto events = Events("events", request.events());
  if (!events.ok()) return events.status();
  config.events = *std::move(events);
  auto retention = Retention(request.retention(), config.durability != v1::DURABILITY_LIVE);
  if (!retention.ok()) return retention.status();
  config.retention = *retention;
  auto queue = (*name_space)->CreateQueue(config);
  if (!queue.ok()) return queue.status();
  (*queue)->Describe(response->mutable_queue());
  response->set_kept(broker_.storage() != nullptr);
  return absl::OkStatus();
}

absl::Status Admin::UpdateQueue(const Call& call, const v1::UpdateQueueRequest& request,
                                v1::UpdateQueueResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckName("name", request.name(), limits().name_bytes);
  if (!checked.ok()) return checked;
  auto found = (*name_space)->FindQueue(request.name());
  if (!found.ok()) return found.status();
  QueueConfig config = (*found)->config();
  if (request.has_events()) {
    auto events = Events("events.names", request.events().names());
    if (!events.ok()) return events.status();
    config.events = *std::move(events);
  }
  if (request.has_retention()) {
    auto retention = Retention(request.retention(), config.durability != v1::DURABILITY_LIVE);
    if (!retention.ok()) return retention.status();
    config.retention = *retention;
  }
  auto queue = (*name_space)->ChangeQueue(config);
  if (!queue.ok()) return queue.status();
  (*queue)->Describe(response->mutable_queue());
  return absl::OkStatus();
}

absl::Status Admin::DeleteQueue(const Call& call, const v1::DeleteQueueRequest& request,
                                v1::DeleteQueueResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckName("name", request.name(), limits().name_bytes);
  if (!checked.ok()) return checked;
  auto messages = (*name_space)->DeleteQueue(request.name(), broker_.Told(call, **name_space));
  if (!messages.ok()) return messages.status();
  response->set_messages(*messages);
  return absl::OkStatus();
}

absl::Status Admin::PurgeQueue(const Call& call, const v1::PurgeQueueRequest& request,
                               v1::PurgeQueueResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckName("name", request.name(), limits().name_bytes);
  if (!checked.ok()) return checked;
  auto messages = (*name_space)->PurgeQueue(request.name(), request.up_to_sequence());
  if (!messages.ok()) return messages.status();
  response->set_messages(*messages);
  return absl::OkStatus();
}

absl::Status Admin::CreateGroup(const Call& call, const v1::CreateGroupRequest& request,
                                v1::CreateGroupResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckName("queue", request.queue(), limits().name_bytes);
  if (!status.ok()) return status;
  if (static_cast<uint64_t>(request.events_size()) > limits().patterns_per_subscription) {
    return LimitExceeded("patterns_per_subscription", request.events_size(), limits().patterns_per_subscription,
                         "events");
  }
  if (request.options().credit_messages() != 0 || request.options().credit_bytes() != 0) {
    return InvalidArgument("options", "credit_messages and credit_bytes are each member's own; leave them unset");
  }
  auto queue = Pattern::Parse("queue", request.queue(), limits().name_bytes);
  if (!queue.ok()) return queue.status();
  std::vector<SubscriptionPattern> patterns;
  for (int i = 0; i < std::max(1, request.events_size()); ++i) {
    auto event = Pattern::Parse(absl::StrCat("events[", i, "]"), request.events().empty() ? "**" : request.events(i),
                                limits().name_bytes);
    if (!event.ok()) return event.status();
    patterns.push_back({*queue, *std::move(event)});
  }
  auto wish = ParseGroup(request.options(), patterns, limits());
  if (!wish.ok()) return wish.status();
  auto start = Start::Parse(request.start(), limits().queues_per_namespace);
  if (!start.ok()) return start.status();
  wish->told = broker_.Told(call, **name_space);
  auto group = (*name_space)->CreateGroup(*wish, *start);
  if (!group.ok()) return group.status();
  Sight(broker_, call, (*name_space)->name()).Describe(**group, response->mutable_group());
  return absl::OkStatus();
}

absl::Status Admin::DeleteGroup(const Call& call, const v1::DeleteGroupRequest& request, v1::DeleteGroupResponse*) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckGroup(request.queue(), request.group());
  if (!checked.ok()) return checked;
  return (*name_space)->DeleteGroup(request.queue(), request.group());
}

absl::Status Admin::PauseGroup(const Call& call, const v1::PauseGroupRequest& request,
                               v1::PauseGroupResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckGroup(request.queue(), request.group());
  if (!checked.ok()) return checked;
  auto group = (*name_space)->PauseGroup(request.queue(), request.group(), /*paused=*/true);
  if (!group.ok()) return group.status();
  Sight(broker_, call, (*name_space)->name()).Describe(**group, response->mutable_group());
  return absl::OkStatus();
}

absl::Status Admin::ResumeGroup(const Call& call, const v1::ResumeGroupRequest& request,
                                v1::ResumeGroupResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckGroup(request.queue(), request.group());
  if (!checked.ok()) return checked;
  auto group = (*name_space)->PauseGroup(request.queue(), request.group(), /*paused=*/false);
  if (!group.ok()) return group.status();
  Sight(broker_, call, (*name_space)->name()).Describe(**group, response->mutable_group());
  return absl::OkStatus();
}

absl::Status Admin::SeekGroup(const Call& call, const v1::SeekGroupRequest& request, v1::SeekGroupResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status checked = CheckGroup(request.queue(), request.group());
  if (!checked.ok()) return checked;
  auto start = Start::Parse(request.start(), limits().queues_per_namespace);
  if (!start.ok()) return start.status();
  auto group = (*name_space)->SeekGroup(request.queue(), request.group(), *std::move(start));
  if (!group.ok()) return group.status();
  Sight(broker_, call, (*name_space)->name()).Describe(**group, response->mutable_group());
  return absl::OkStatus();
}

void Admin::RedriveDeadLetters(const Call& call, const v1::RedriveDeadLettersRequest& request, RedriveDone done) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return done(name_space.status());
  absl::Status checked = CheckName("queue", request.queue(), limits().name_bytes);
  if (!checked.ok()) return done(checked);
  redrives_.Begin();
  // The letters go back as the caller's doing.
  auto may = [this, call, name = (*name_space)->name()](absl::string_view queue) {
    return broker_.MaySee(call, Named(name, queue, ""));
  };
  Redrive(*name_space, broker_.committer(), &redriver_, &stopping_, request, std::move(may),
          [this, done = std::move(done)](absl::StatusOr<v1::RedriveDeadLettersResponse> response) {
            done(std::move(response));
            redrives_.End();
          });
}

void Admin::StopRedriving() {
  stopping_ = true;
  redrives_.WaitForNone();
}

absl::StatusOr<std::vector<std::string>> Admin::ClientsOf(const Namespace& name_space, const v1::ClientFilter& filter,
                                                          bool all) const {
  absl::Status status = CheckFilter(filter, limits());
  if (!status.ok()) return status;
  if (IsEmpty(filter) && !all) return InvalidArgument("filter", "is empty; say which clients, or set `all`");
  std::vector<std::string> ids;
  std::string after;
  do {
    after = name_space.VisitClients(filter.room(), after, kLooksMax, [&](const Namespace::ClientView& client) {
      if (Passes(filter, client)) ids.push_back(client.client->id());
      return true;
    });
  } while (!after.empty());
  return ids;
}

absl::Status Admin::MoveClients(const Call& call, const v1::MoveClientsRequest& request,
                                v1::MoveClientsResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckNames("join", request.join());
  if (status.ok()) status = CheckNames("leave", request.leave());
  if (!status.ok()) return status;
  if (request.join().empty() && request.leave().empty()) return InvalidArgument("join", "is empty, and so is leave");
  auto clients = ClientsOf(**name_space, request.filter(), request.all());
  if (!clients.ok()) return clients.status();
  for (const std::string& id : *clients) {
    status = (*name_space)->MoveClient(id, Pointers(request.join()), Pointers(request.leave()));
    if (absl::IsNotFound(status)) continue;  // it is gone meanwhile
    response->set_clients(response->clients() + 1);
    if (!status.ok()) response->set_refused(response->refused() + 1);
  }
  return absl::OkStatus();
}

absl::Status Admin::DisconnectClients(const Call& call, const v1::DisconnectClientsRequest& request,
                                      v1::DisconnectClientsResponse* response) {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  if (request.reason().size() > limits().header_value_bytes) {
    return LimitExceeded("header_value_bytes", request.reason().size(), limits().header_value_bytes, "reason");
  }
  auto clients = ClientsOf(**name_space, request.filter(), request.all());
  if (!clients.ok()) return clients.status();
  // An error that no client takes for a passing one.
  const absl::Status status = FailedPrecondition(
      "DISCONNECTED", absl::StrCat("an administrator has disconnected this client",
                                   request.reason().empty() ? "" : absl::StrCat(": ", request.reason())));
  for (const std::string& id : *clients) {
    if (broker_.RemoveClient(id, "DISCONNECTED", status)) response->set_clients(response->clients() + 1);
  }
  return absl::OkStatus();
}

}  // namespace nmq::broker
