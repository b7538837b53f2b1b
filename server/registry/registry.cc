#include "server/registry/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/errors.h"
#include "base/names.h"
#include "base/proto_time.h"
#include "server/namespace/client_filter.h"
#include "server/queue/queue.h"
#include "server/registry/page.h"
#include "server/registry/sight.h"

namespace nmq::broker {
namespace {

// Entries looked at before others get the namespace.
constexpr int kLooksMax = 1000;
// Fewer of subscriptions, which look into each of their queues.
constexpr int kSubscriptionLooksMax = 50;

constexpr size_t kIdentityBytesMax = 128;

constexpr char kNamespaces[] = "namespaces";
constexpr char kQueues[] = "queues";
constexpr char kRooms[] = "rooms";
constexpr char kClients[] = "clients";
constexpr char kSubscriptions[] = "subscriptions";
constexpr char kGroups[] = "groups";

// Which names a filter lets through: all if `text` is empty.
absl::StatusOr<Pattern> ParseFilter(absl::string_view field, absl::string_view text, const Limits& limits) {
  return Pattern::Parse(field, text.empty() ? "**" : text, limits.name_bytes);
}

// The page of a list that is visited piece by piece: `visit` goes on after a key and returns where it stopped, as the
// namespace's Visit functions do; `last` has the key of the last entry of the page, which the token tells.
template <typename Response, typename Entry, typename Visit>
void FillPage(const Page<Entry>& page, absl::string_view list, absl::string_view name_space, std::string after,
              const std::string& last, Response* response, Visit visit) {
  do {
    after = visit(after);
  } while (!after.empty() && !page.full());
  if (page.full()) response->set_next_page_token(PageToken(list, name_space, last));
}

// Adds an entry to a page; see Page::Add.
template <typename Entry>
bool AddTo(Page<Entry>* page, Entry entry, absl::string_view key, std::string* last) {
  if (!page->Add(std::move(entry))) return false;
  *last = std::string(key);
  return true;
}

// What a caller who may not see all of a namespace is told of it.
v1::NamespaceInfo PartOf(const Namespace& name_space, const Sight& sight) {
  v1::NamespaceInfo info;
  info.set_name(name_space.name());
  info.set_automatic_queues(name_space.automatic_queues());
  std::string after;
  do {
    after = name_space.VisitQueues(after, kLooksMax, [&](const Queue& queue) {
      if (sight.Queue(queue.name())) info.set_queues(info.queues() + 1);
      return true;
    });
  } while (!after.empty());
  do {
    after = name_space.VisitRooms(after, kLooksMax, [&](const Namespace::RoomView& room) {
      if (sight.Room(*room.name)) info.set_rooms(info.rooms() + 1);
      return true;
    });
  } while (!after.empty());
  do {
    after = name_space.VisitClients("", after, kLooksMax, [&](Namespace::ClientView client) {
      if (!sight.Client(&client)) return true;
      info.set_clients(info.clients() + 1);
      info.set_subscriptions(info.subscriptions() + client.subscriptions.size());
      return true;
    });
  } while (!after.empty());
  return info;
}

v1::SubscriptionInfo SubscriptionInfoOf(const Namespace& name_space, const std::string& client_name,
                                        Subscription* subscription) {
  v1::SubscriptionInfo info;
  info.set_namespace_(name_space.name());
  info.set_id(subscription->id());
  info.set_client_id(subscription->client().id());
  info.set_client_name(client_name);
  info.set_identity(std::string(subscription->client().identity()));
  for (const SubscriptionPattern& pattern : subscription->patterns()) {
    v1::Pattern* out = info.add_patterns();
    out->set_queue(pattern.queue.text());
    out->set_event(pattern.event.text());
  }
  info.set_overflow(subscription->overflow());
  info.set_peer(subscription->peer());
  SetTime(subscription->start_time(), info.mutable_start_time());
  // A member of a group reads its one queue by the group.
  info.set_queues(subscription->member_of_group() ? 1 : subscription->cursors());
  info.set_group(subscription->group());
  info.set_lag_messages(subscription->Lag());
  info.set_in_flight_bytes(subscription->in_flight_bytes().load(std::memory_order_relaxed));
  subscription->counters().ToProto(info.mutable_counters());
  return info;
}

}  // namespace

absl::Status Registry::ListNamespaces(const Call& call, const v1::ListNamespacesRequest& request,
                                      v1::ListNamespacesResponse* response) const {
  auto after = KeyOfPageToken(kNamespaces, "", request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_namespaces());
  std::string last = *after;
  for (Namespace* name_space : broker_.NamespacesAfter(last)) {
    if (!broker_.MaySee(call, name_space->name())) continue;
    const Sight sight(broker_, call, name_space->name());
    v1::NamespaceInfo info;
    if (sight.all()) {
      name_space->Describe(&info);
    } else {
      info = PartOf(*name_space, sight);
    }
    if (!page.Add(std::move(info))) break;
    last = name_space->name();  // the token tells it
  }
  if (page.full()) response->set_next_page_token(PageToken(kNamespaces, "", last));
  return absl::OkStatus();
}

absl::Status Registry::ListQueues(const Call& call, const v1::ListQueuesRequest& request,
                                  v1::ListQueuesResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  auto wanted = ParseFilter("queue", request.queue(), broker_.limits());
  if (!wanted.ok()) return wanted.status();
  auto after = KeyOfPageToken(kQueues, (*name_space)->name(), request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_queues());
  const Sight sight(broker_, call, (*name_space)->name());
  std::string last;
  FillPage(page, kQueues, (*name_space)->name(), *after, last, response, [&](const std::string& from) {
    return (*name_space)->VisitQueues(from, kLooksMax, [&](const Queue& queue) {
      if (!wanted->Matches(queue.name()) || !sight.Queue(queue.name())) return true;
      v1::QueueInfo info;
      queue.Describe(&info);
      return AddTo(&page, std::move(info), queue.name(), &last);
    });
  });
  return absl::OkStatus();
}

absl::Status Registry::ListRooms(const Call& call, const v1::ListRoomsRequest& request,
                                 v1::ListRoomsResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  auto wanted = ParseFilter("room", request.room(), broker_.limits());
  if (!wanted.ok()) return wanted.status();
  auto after = KeyOfPageToken(kRooms, (*name_space)->name(), request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_rooms());
  const Sight sight(broker_, call, (*name_space)->name());
  std::string last;
  FillPage(page, kRooms, (*name_space)->name(), *after, last, response, [&](const std::string& from) {
    return (*name_space)->VisitRooms(from, kLooksMax, [&](const Namespace::RoomView& room) {
      if (!wanted->Matches(*room.name) || !sight.Room(*room.name)) return true;
      v1::RoomInfo info;
      info.set_namespace_((*name_space)->name());
      info.set_name(*room.name);
      info.set_members(room.members);
      SetTime(room.create_time, info.mutable_create_time());
      return AddTo(&page, std::move(info), *room.name, &last);
    });
  });
  return absl::OkStatus();
}

absl::Status Registry::ListGroups(const Call& call, const v1::ListGroupsRequest& request,
                                  v1::ListGroupsResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  auto wanted = ParseFilter("queue", request.queue(), broker_.limits());
  if (!wanted.ok()) return wanted.status();
  auto after = KeyOfPageToken(kGroups, (*name_space)->name(), request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_groups());
  const Sight sight(broker_, call, (*name_space)->name());
  std::string last;
  FillPage(page, kGroups, (*name_space)->name(), *after, last, response, [&](const std::string& from) {
    return (*name_space)->VisitGroups(from, kLooksMax, [&](const Group& group) {
      if (!wanted->Matches(group.queue_name()) || !sight.Queue(group.queue_name())) return true;
      v1::GroupInfo info;
      sight.Describe(group, &info);
      return AddTo(&page, std::move(info), absl::StrCat(group.queue_name(), "/", group.name()), &last);
    });
  });
  return absl::OkStatus();
}

absl::Status Registry::CheckFilterName(absl::string_view field, const std::string& name) const {
  return name.empty() ? absl::OkStatus() : CheckName(field, name, broker_.limits().name_bytes);
}

v1::ClientInfo Registry::ClientInfoOf(const Namespace& name_space, const Namespace::ClientView& client) const {
  v1::ClientInfo info;
  info.set_namespace_(name_space.name());
  info.set_id(client.client->id());
  info.set_name(*client.name);
  for (const auto& [name, value] : *client.labels) (*info.mutable_labels())[name] = value;
  info.set_peer(*client.peer);
  SetTime(client.client->connect_time(), info.mutable_connect_time());
  if (!client.client->has_streams()) {
    const absl::Duration end = absl::Microseconds(client.client->last_active_us()) + client.lease;
    const absl::Duration rest = std::max(absl::ZeroDuration(), end - broker_.clock().Monotonic());
    SetTime(broker_.clock().Now() + rest, info.mutable_lease_end_time());
  }
  SetDuration(client.lease, info.mutable_lease());
  for (absl::string_view room : client.rooms) info.add_rooms(room.data(), room.size());
  for (const Subscription* subscription : client.subscriptions) info.add_subscriptions(subscription->id());
  client.client->counters().ToProto(info.mutable_counters());
  info.set_identity(std::string(client.client->identity()));
  return info;
}

absl::Status Registry::ListClients(const Call& call, const v1::ListClientsRequest& request,
                                   v1::ListClientsResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckFilter(request.filter(), broker_.limits());
  if (!status.ok()) return status;
  auto after = KeyOfPageToken(kClients, (*name_space)->name(), request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_clients());
  const Sight sight(broker_, call, (*name_space)->name());
  if (!sight.Filter(request.filter())) return absl::OkStatus();
  std::string last;
  FillPage(page, kClients, (*name_space)->name(), *after, last, response, [&](const std::string& from) {
    return (*name_space)->VisitClients(request.filter().room(), from, kLooksMax, [&](Namespace::ClientView client) {
      if (!sight.Client(&client) || !Passes(request.filter(), client)) return true;
      return AddTo(&page, ClientInfoOf(**name_space, client), client.client->id(), &last);
    });
  });
  return absl::OkStatus();
}

absl::Status Registry::ListSubscriptions(const Call& call, const v1::ListSubscriptionsRequest& request,
                                         v1::ListSubscriptionsResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckFilterName("client_id", request.client_id());
  if (status.ok()) status = CheckFilterName("queue", request.queue());
  if (status.ok()) status = CheckFilterName("event", request.event());
  if (!status.ok()) return status;
  auto after = KeyOfPageToken(kSubscriptions, (*name_space)->name(), request.page_token());
  if (!after.ok()) return after.status();
  response->set_revision(broker_.changes().revision());
  Page page(broker_.limits(), request.page_size(), response->mutable_subscriptions());
  const Sight sight(broker_, call, (*name_space)->name());
  std::string last;
  FillPage(page, kSubscriptions, (*name_space)->name(), *after, last, response, [&](const std::string& from) {
    return (*name_space)
        ->VisitSubscriptions(
            request.client_id(), from, kSubscriptionLooksMax,
            [&](Subscription& subscription, const std::string& client_name) {
              if (!subscription.Hears(request.queue(), request.event()) || !sight.ListedSubscription(subscription)) {
                return true;
              }
              return AddTo(&page, SubscriptionInfoOf(**name_space, client_name, &subscription), subscription.id(),
                           &last);
            });
  });
  return absl::OkStatus();
}

absl::Status Registry::GetClient(const Call& call, const v1::GetClientRequest& request,
                                 v1::GetClientResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  const std::string& id = request.client_id();
  if (id.empty()) return InvalidArgument("client_id", "is empty");
  const Sight sight(broker_, call, (*name_space)->name());
  bool seen = false;
  (*name_space)->VisitClient(id, [&](Namespace::ClientView client) {
    seen = sight.Client(&client);
    if (seen) *response->mutable_client() = ClientInfoOf(**name_space, client);
  });
  if (seen) return absl::OkStatus();
  return NotFound("CLIENT_NOT_FOUND",
                  absl::StrCat("client_id: namespace ", Quote((*name_space)->name()), " has no client ", Quote(id)),
                  {{"client", id}, {"namespace", (*name_space)->name()}});
}

absl::Status Registry::CountClients(const Call& call, const v1::CountClientsRequest& request,
                                    v1::CountClientsResponse* response) const {
  auto name_space = broker_.FindNamespace(call, request);
  if (!name_space.ok()) return name_space.status();
  absl::Status status = CheckFilter(request.filter(), broker_.limits());
  if (!status.ok()) return status;
  response->set_revision(broker_.changes().revision());
  const Sight sight(broker_, call, (*name_space)->name());
  if (!sight.Filter(request.filter())) return absl::OkStatus();
  uint64_t count = 0;
  std::string after;
  do {
    after = (*name_space)->VisitClients(request.filter().room(), after, kLooksMax, [&](Namespace::ClientView client) {
      count += sight.Client(&client) && Passes(request.filter(), client) ? 1 : 0;
      return true;
    });
  } while (!after.empty());
  response->set_count(count);
  return absl::OkStatus();
}

absl::Status Registry::Explain(const Call& call, const v1::ExplainRequest& request,
                               v1::ExplainResponse* response) const {
  if (!v1::Right_IsValid(request.right())) {
    return InvalidArgument("right", absl::StrCat(static_cast<int>(request.right()), " is no right"));
  }
  for (const auto& [field, text] : {std::pair<absl::string_view, const std::string&>("namespace", request.namespace_()),
                                    {"queue", request.queue()},
                                    {"room", request.room()}}) {
    if (text.empty()) continue;
    const absl::Status status = Pattern::Parse(field, text, broker_.limits().name_bytes).status();
    if (!status.ok()) return status;
  }
  if (request.identity().size() > kIdentityBytesMax) return InvalidArgument("identity", "is none: it is too long");
  return broker_.access().Explain(call, request, response);
}

}  // namespace nmq::broker
