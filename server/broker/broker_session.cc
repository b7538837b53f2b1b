// Sessions of a broker: who connects, comes back, leaves, and whose lease runs out.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/names.h"
#include "server/broker/broker.h"
#include "server/message/entry.h"
#include "server/message/proto_fields.h"

namespace nmq::broker {
namespace {

constexpr size_t kClientIdRandomBytes = 8;
constexpr size_t kSecretBytes = 20;

// Takes the same time wherever the texts differ.
bool SameSecret(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

}  // namespace

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
  auto client = std::make_shared<Client>(name_space, shared_.numbers.OfClient(id), id, std::move(session), clock().Now());
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

}  // namespace nmq::broker
