// How a broker asks what a caller may do, and ends what it may not do any more.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/audit/audit_log.h"
#include "server/broker/broker.h"
#include "server/call/refusal.h"

namespace nmq::broker {
namespace {

// So many names are asked for one by one.
constexpr size_t kFewNames = 2;
// Clients looked at before others get the namespace.
constexpr int kClientLooksMax = 1000;

}  // namespace

absl::Status Broker::Refused(const Call& call, const Named& what, const absl::Status& why, absl::Status told) const {
  // What is hidden is refused all the same.
  constexpr char kHidden[] = "the caller may do nothing with it; it was told that it is not there";
  const absl::Status refusal = absl::IsNotFound(why) ? PermissionDenied("FORBIDDEN", kHidden) : why;
  metrics_.CountRefusal(refusal);
  if (audit_ != nullptr) audit_->Refused(call, what, refusal);
  return MarkRefusal(std::move(told));
}

absl::Status Broker::Admit(const Call& call, const Named& what) const {
  absl::Status status = access_.Check(call, call.right, what);
  return status.ok() ? status : Refused(call, what, status, status);
}

absl::Status Broker::AdmitOne(const Call& call, const Namespace& name_space, const Name& name) const {
  const Named what(name_space.name(), name.queue, name.room);
  const absl::Status status = access_.Check(call, call.right, what);
  if (status.ok()) return status;
  // Nothing may be done with the queue, or in all of the namespace.
  if (!absl::IsNotFound(status) || name.queue.empty()) return Refused(call, what, status, status);
  if (absl::IsNotFound(access_.Check(call, call.right, Named(name_space.name())))) {
    return Refused(call, what, status, status);
  }
  if (name.hidden != Name::Hidden::kForbidden) {
    return Refused(call, what, status,
                   name_space.NoQueue(name.queue, /*made=*/name.hidden == Name::Hidden::kNoQueueMade));
  }
  const absl::Status forbidden =
      PermissionDenied("FORBIDDEN",
                       absl::StrCat("you may not ", NameOf(call.right), " queue ", Quote(name.queue), " of namespace ",
                                    Quote(name_space.name())),
                       {{"right", NameOf(call.right)}, {"namespace", name_space.name()}});
  return Refused(call, what, forbidden, forbidden);
}

absl::Status Broker::Admit(const Call& call, const Namespace& name_space, const Names& names) const {
  // What the rpc itself needs is asked for, whatever else its names need.
  if (std::none_of(names.begin(), names.end(),
                   [&](const Name& name) { return name.right.value_or(call.right) == call.right; })) {
    absl::Status status = Admit(call, name_space.name());
    if (!status.ok()) return status;
  }
  if (names.size() > kFewNames) {
    Admitted admitted;
    return Admit(call, name_space, names, &admitted);
  }
  for (const Name& name : names) {
    absl::Status status = AdmitName(call, name_space, name);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Broker::AdmitName(const Call& call, const Namespace& name_space, const Name& name) const {
  if (!name.right.has_value() || *name.right == call.right) return AdmitOne(call, name_space, name);
  Call other = call;
  other.right = *name.right;
  return AdmitOne(other, name_space, name);
}

absl::Status Broker::Admit(const Call& call, const Namespace& name_space, const Names& names,
                           Admitted* admitted) const {
  if (admitted->view == nullptr) admitted->view = access_.View(call, name_space.name());
  for (const Name& name : names) {
    const Right right = name.right.value_or(call.right);
    if (!admitted->names.emplace(right, name.queue, name.room).second) continue;
    if (admitted->view->Has(right, name.queue, name.room)) continue;
    // Why not.
    absl::Status status = AdmitName(call, name_space, name);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Broker::AdmitToGroup(const Call& call, const Namespace& name_space, const Group& group) const {
  Call joining = call;
  joining.right = Right::kJoin;
  for (const std::string& room : group.group().options().rooms()) {
    const Named what(name_space.name(), "", room);
    const absl::Status status = access_.Check(joining, joining.right, what);
    if (status.ok()) continue;
    if (absl::IsUnauthenticated(status)) return Refused(joining, what, status, status);
    // That the group has the room is not to be told.
    return Refused(
        joining, what, status,
        PermissionDenied("FORBIDDEN",
                         absl::StrCat("group: ", Quote(group.name()), " of queue ", Quote(group.queue_name()),
                                      " hears a room that you may not join; a member needs the right ",
                                      Quote(NameOf(joining.right)), " for each room of its group"),
                         {{"right", NameOf(joining.right)}, {"namespace", name_space.name()}}));
  }
  return absl::OkStatus();
}

QueueGate Broker::Told(const Call& call, const Namespace& name_space) const {
  if (call.principal == nullptr) return nullptr;
  return std::make_shared<const std::function<bool(absl::string_view)>>(
      [this, call, name = name_space.name()](absl::string_view queue) { return MaySee(call, Named(name, queue, "")); });
}

absl::Status Broker::NoNamespace(absl::string_view name, bool asked) {
  return NotFound("NAMESPACE_NOT_FOUND",
                  absl::StrCat("namespace: there is no namespace ", Quote(name),
                               "; declare it in the configuration, or make it with Admin.CreateNamespace",
                               asked ? ", unless it is one in which you may do nothing; Registry.Explain tells" : ""),
                  {{"namespace", name}});
}

void Broker::EndForbidden() {
  for (Namespace* name_space : NamespacesAfter("")) EndForbidden(name_space);
}

void Broker::EndForbidden(Namespace* name_space) {
  // Of each client that may not be there any more, or not in some rooms, why.
  struct Lost {
    std::string id;
    absl::Status gone;
    std::vector<std::string> rooms;
    absl::Status left;
  };
  std::vector<Lost> clients;
  const auto check = [&](const std::shared_ptr<const Principal>& principal, Right right, const Named& what) {
    if (access_.Grants(principal.get(), right, what)) return absl::OkStatus();
    Call call(right, Transport::kGrpc, /*from=*/"");
    call.principal = principal;
    absl::Status status = access_.Check(call, right, what);
    return absl::IsNotFound(status) ? NoNamespace(name_space->name(), /*asked=*/true) : status;
  };
  // Of clients in many rooms, what the last one may do.
  std::shared_ptr<const Principal> viewed;
  std::unique_ptr<AccessView> has;
  const auto may_join = [&](const std::shared_ptr<const Principal>& principal, absl::string_view room) {
    if (viewed != principal) {
      Call call(Right::kJoin, Transport::kGrpc, /*from=*/"");
      call.principal = principal;
      has = access_.View(call, name_space->name());
      viewed = principal;
    }
    return has->Has(Right::kJoin, "", room);
  };
  std::string after;
  do {
    after = name_space->VisitClients("", after, kClientLooksMax, [&](const Namespace::ClientView& view) {
      const std::shared_ptr<const Principal> principal = view.client->principal();
      if (principal == nullptr) return true;
      Lost client;
      client.id = view.client->id();
      client.gone = check(principal, Right::kConnect, Named(name_space->name()));
      for (size_t i = 0; client.gone.ok() && i < view.rooms.size(); ++i) {
        if (view.rooms.size() > kFewNames && may_join(principal, view.rooms[i])) continue;
        const absl::Status left = check(principal, Right::kJoin, Named(name_space->name(), "", view.rooms[i]));
        if (left.ok()) continue;
        client.rooms.emplace_back(view.rooms[i]);
        client.left = left;
      }
      if (!client.gone.ok() || !client.rooms.empty()) clients.push_back(std::move(client));
      return true;
    });
  } while (!after.empty());
  for (const Lost& client : clients) {
    if (!client.gone.ok()) RemoveClient(client.id, "FORBIDDEN", client.gone);
    if (client.gone.ok()) name_space->TakeOut(client.id, client.rooms, client.left);
  }
}

}  // namespace nmq::broker
