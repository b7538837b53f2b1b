// Sessions of a broker: who connects, comes back, leaves, and whose lease runs out.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "server/broker/broker.h"
#include "server/limits/share.h"

namespace nmq::broker {
namespace {

std::string IdentityOf(const Call& call) { return call.principal == nullptr ? "" : call.principal->name; }

}  // namespace

bool Broker::RemoveClient(const std::string& id, absl::string_view reason, const absl::Status& status) {
  const std::optional<Session> session = sessions_.OfClient(id);
  if (!session.has_value()) return false;
  const bool removed = session->name_space->RemoveClient(session->client.get(), reason, status);
  Forget(*session->client);
  return removed;
}

absl::StatusOr<Session> Broker::FindSessionWith(const Call& call, absl::string_view session,
                                                const Wanted& wanted) const {
  auto client_id = session_ids_.ClientOf(session);
  if (!client_id.ok()) return client_id.status();
  std::optional<Session> found = sessions_.Find(*client_id, session);
  absl::Status status;
  const bool own = found.has_value() && found->client->identity() == IdentityOf(call);
  if (own) status = Admit(call, *found->name_space, wanted.names);
  if (!own || (absl::IsNotFound(status) && status.message().empty())) {
    return NotFound("SESSION_EXPIRED", "session: its client has disconnected or its lease has run out; Connect again");
  }
  if (!status.ok()) return status;
  if (!wanted.counts.ok()) return Counted(found->name_space, wanted.counts);
  found->client->Touch(NowUs());
  found->client->Show(call.principal);
  return *std::move(found);
}

absl::Status Broker::AdmitAgain(Call* call, const Client* client, absl::string_view name_space) const {
  absl::Status status = FindNamespaceWith(*call, name_space, /*wanted=*/{}).status();
  if (!absl::IsUnauthenticated(status) || client == nullptr) return status;
  // Only its own identity has its session.
  Call renewed = *call;
  renewed.principal = client->principal();
  if (renewed.principal == call->principal) return status;
  status = FindNamespaceWith(renewed, name_space, /*wanted=*/{}).status();
  if (status.ok()) call->principal = std::move(renewed.principal);
  return status;
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

absl::StatusOr<Session> Broker::NewClient(const Call& call, Namespace* name_space, Namespace::ClientFields fields) {
  std::string id = session_ids_.NewClientId();
  std::string text = session_ids_.NewSession(id);
  auto client = std::make_shared<Client>(numbers_.OfClient(id), id, std::move(text), clock().Now(), IdentityOf(call));
  client->Touch(NowUs());
  client->Show(call.principal);
  absl::Status status;
  if (std::shared_ptr<IdentityUse> use = identities_.Of(call.principal.get()); use != nullptr) {
    Share share;
    status = IdentityUse::AddClient(use, &share);
    if (!status.ok()) return Counted(name_space, status);
    client->set_use(std::move(use), std::move(share));
  }
  const absl::Duration lease = fields.lease;
  status = name_space->AddClient(client, std::move(fields));
  if (!status.ok()) return Counted(name_space, status);
  Session session = {std::move(client), name_space};
  sessions_.Add(session);
  WatchLease(session, lease);
  return session;
}

absl::Status Broker::Connect(const Call& call, const v1::ConnectRequest& request, v1::ConnectResponse* response) {
  absl::Status status = CheckNotDraining();
  if (!status.ok()) return status;
  auto name_space = FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  Namespace::ClientFields fields;
  status = CheckClientFields(request, &fields);
  if (!status.ok()) return Counted(*name_space, status);
  fields.peer = call.peer;

  absl::Duration lease = fields.lease;
  std::optional<Session> session;
  if (auto known = FindSession(call, request); known.ok()) {
    if (!request.namespace_().empty() && known->name_space != *name_space) {
      return FailedPrecondition("OTHER_NAMESPACE",
                                absl::StrCat("session: is of namespace ", Quote(known->name_space->name()), ", not of ",
                                             Quote(request.namespace_())));
    }
    std::vector<std::string> rooms;
    if (known->name_space->ResumeClient(*known->client, fields, request.has_lease(), &lease, &rooms)) {
      session = *std::move(known);
      WatchLease(*session, lease);
      response->set_resumed(true);
      for (std::string& room : rooms) response->add_rooms(std::move(room));
    }
  }
  if (!session.has_value()) {
    auto made = NewClient(call, *name_space, std::move(fields));
    if (!made.ok()) return made.status();
    session = *std::move(made);
  }
  response->set_client_id(session->client->id());
  response->set_session(session->client->session());
  SetDuration(lease, response->mutable_lease());
  ToProto(limits(), response->mutable_limits());
  response->set_server_epoch(server_epoch_);
  return absl::OkStatus();
}

void Broker::Forget(const Client& client) {
  leases_.Forget(&client);
  questions_.Gone(client.number());
  sessions_.Forget(client.id());
}

absl::Status Broker::Disconnect(const Call& call, const v1::DisconnectRequest& request) {
  auto session = FindSession(call, request);
  if (!session.ok()) return session.status();
  // OK: the client itself wanted its streams to end.
  session->name_space->RemoveClient(session->client.get(), "DISCONNECTED", absl::OkStatus());
  Forget(*session->client);
  return absl::OkStatus();
}

void Broker::WatchLease(const Session& session, absl::Duration lease) {
  leases_.Watch(session, NowUs() + absl::ToInt64Microseconds(lease));
}

void Broker::ExpireLeases() {
  const int64_t now_us = NowUs();
  const absl::Status status = NotFound("SESSION_EXPIRED", "session: its lease has run out; Connect again");
  while (const std::optional<Session> session = leases_.TakeDue(now_us)) {
    const std::optional<int64_t> next_us = session->name_space->ExpireClient(session->client.get(), status);
    if (next_us.has_value()) {
      leases_.Watch(*session, *next_us);
    } else {
      Forget(*session->client);
    }
  }
}

}  // namespace nmq::broker
