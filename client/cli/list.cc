#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/proto_time.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/table.h"

namespace nmq {
namespace cli {
namespace {

using v1::Registry;

std::string AgeOf(const google::protobuf::Timestamp& since) { return Age(absl::Now() - ToTime(since)); }

std::string LabelsText(const google::protobuf::Map<std::string, std::string>& labels) {
  const std::map<std::string, std::string> sorted(labels.begin(), labels.end());
  return OneLine(absl::StrJoin(sorted, ",", absl::PairFormatter("=")));
}

std::string PatternsText(const v1::SubscriptionInfo& subscription) {
  return absl::StrJoin(subscription.patterns(), ",", [](std::string* text, const v1::Pattern& pattern) {
    absl::StrAppend(text, pattern.queue(), "/", pattern.event().empty() ? "**" : pattern.event());
  });
}

std::vector<std::string> Row(const v1::NamespaceInfo& info) {
  const v1::Counters& counters = info.counters();
  return {info.name(),
          Count(info.clients()),
          Count(info.rooms()),
          Count(info.queues()),
          Count(info.subscriptions()),
          Count(counters.published_messages()),
          Bytes(counters.published_bytes()),
          Count(counters.delivered_messages()),
          Count(counters.dropped_messages()),
          Count(counters.refused_requests())};
}

std::vector<std::string> Row(const v1::QueueInfo& info) {
  return {info.name(),
          info.events().empty() ? "any" : absl::StrJoin(info.events(), ","),
          EnumWords(EnumName(info.durability())),
          Count(info.last_sequence() + 1 - info.first_sequence()),
          Bytes(info.bytes()),
          Count(info.last_sequence()),
          Count(info.scheduled()),
          Count(info.subscriptions()),
          Count(info.counters().delivered_messages()),
          Count(info.counters().dropped_messages())};
}

std::vector<std::string> Row(const v1::GroupInfo& info) {
  return {info.queue(),
          info.options().name(),
          Count(info.members()),
          Count(info.lag_messages()),
          Count(info.pending_messages()),
          Count(info.waiting_messages()),
          Count(info.done_messages()),
          Count(info.redelivered_messages()),
          Count(info.dead_messages()),
          Count(info.lost_messages())};
}

std::vector<std::string> Row(const v1::RoomInfo& info) {
  return {info.name(), Count(info.members()), AgeOf(info.create_time())};
}

std::vector<std::string> Row(const v1::ClientInfo& info) {
  return {info.id(),
          info.name(),
          absl::StrJoin(info.rooms(), ","),
          Count(info.subscriptions_size()),
          Count(info.counters().published_messages()),
          Count(info.counters().delivered_messages()),
          Count(info.counters().dropped_messages()),
          AgeOf(info.connect_time()),
          OneLine(info.peer()),
          LabelsText(info.labels()),
          OneLine(info.identity())};
}

std::vector<std::string> Row(const v1::SubscriptionInfo& info) {
  return {info.id(),
          info.client_id(),
          info.client_name(),
          PatternsText(info),
          info.group().empty() ? EnumWords(EnumName(info.overflow())) : "",
          info.group(),
          Count(info.queues()),
          Count(info.lag_messages()),
          Bytes(info.in_flight_bytes()),
          Count(info.counters().delivered_messages()),
          Count(info.counters().dropped_messages()),
          AgeOf(info.start_time())};
}

std::string NumberText(double number) {
  const bool whole = number == std::floor(number) && number >= 0 && number < 1e15;
  return whole ? Count(static_cast<uint64_t>(number)) : absl::StrFormat("%.6g", number);
}

// The bound under which this part of the observations is.
std::string Quantile(const v1::Histogram& histogram, double part) {
  for (const v1::Histogram::Bucket& bucket : histogram.buckets()) {
    if (static_cast<double>(bucket.cumulative_count()) < part * static_cast<double>(histogram.count())) continue;
    return std::isinf(bucket.upper_bound()) ? "more" : NumberText(bucket.upper_bound());
  }
  return "more";
}

std::vector<std::string> Row(const v1::Metric& metric) {
  std::vector<std::string> row = {metric.name(), LabelsText(metric.labels())};
  if (!metric.has_histogram()) {
    row.insert(row.end(), {NumberText(metric.has_gauge() ? metric.gauge() : metric.counter()), "", "", ""});
    return row;
  }
  const v1::Histogram& histogram = metric.histogram();
  row.push_back(Count(histogram.count()));
  if (histogram.count() == 0) {
    row.insert(row.end(), {"", "", ""});
    return row;
  }
  row.push_back(NumberText(histogram.sum() / static_cast<double>(histogram.count())));
  row.push_back(Quantile(histogram, 0.5));
  row.push_back(Quantile(histogram, 0.99));
  return row;
}

// All pages of a list. As JSON each entry is printed as its page arrives.
template <typename Request, typename Response, typename Entry>
int PrintList(const RegistryClient& registry, const Arguments& arguments,
              RegistryClient::Method<Request, Response> method, const Request& request,
              const google::protobuf::RepeatedPtrField<Entry>& (Response::*entries)() const,
              std::vector<Column> columns, Output* out, Output* err) {
  Table table(std::move(columns));
  absl::Status status = registry.ForEachPage<Request, Response>(method, request, [&](const Response& page) {
    for (const Entry& entry : (page.*entries)()) {
      if (!arguments.json) {
        table.Add(Row(entry));
      } else if (!out->WriteLine(ProtoToJson(entry))) {
        return false;
      }
    }
    return true;
  });
  if (!status.ok()) return Fail(status, arguments, err);
  if (!arguments.json) out->Write(table.Render(out->columns()));
  return Done(*out, err);
}

Column Left(std::string title, int spare = 0) { return {std::move(title), Align::kLeft, spare}; }
Column Right(std::string title, int spare = 0) { return {std::move(title), Align::kRight, spare}; }

int PrintNamespaces(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  return PrintList(registry, arguments, &Registry::Stub::ListNamespaces, v1::ListNamespacesRequest(),
                   &v1::ListNamespacesResponse::namespaces,
                   {Left("NAMESPACE"), Right("CLIENTS"), Right("ROOMS", 3), Right("QUEUES"), Right("SUBSCRIPTIONS", 2),
                    Right("PUBLISHED"), Right("BYTES", 4), Right("DELIVERED"), Right("DROPPED"), Right("REFUSED", 1)},
                   out, err);
}

int PrintQueues(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListQueuesRequest request;
  request.set_namespace_(arguments.namespace_name);
  request.set_queue(arguments.queue);
  return PrintList(registry, arguments, &Registry::Stub::ListQueues, request, &v1::ListQueuesResponse::queues,
                   {Left("QUEUE"), Left("EVENTS", 2), Left("KIND"), Right("HELD"), Right("BYTES"), Right("LAST"),
                    Right("SCHEDULED", 3), Right("SUBSCRIPTIONS", 1), Right("DELIVERED"), Right("DROPPED")},
                   out, err);
}

int PrintGroups(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListGroupsRequest request;
  request.set_namespace_(arguments.namespace_name);
  request.set_queue(arguments.queue);
  return PrintList(registry, arguments, &Registry::Stub::ListGroups, request, &v1::ListGroupsResponse::groups,
                   {Left("QUEUE"), Left("GROUP"), Right("MEMBERS"), Right("LAG"), Right("PENDING"), Right("WAITING"),
                    Right("DONE"), Right("REDELIVERED", 1), Right("DEAD"), Right("LOST")},
                   out, err);
}

int PrintMetrics(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListMetricsRequest request;
  request.set_name_prefix(arguments.prefix);
  return PrintList(registry, arguments, &Registry::Stub::ListMetrics, request, &v1::ListMetricsResponse::metrics,
                   {Left("METRIC"), Left("LABELS"), Right("VALUE OR COUNT"), Right("MEAN", 2), Right("P50 UNDER", 1),
                    Right("P99 UNDER")},
                   out, err);
}

// The queues that groups name for their dead letters.
int PrintDeadLetterQueues(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListGroupsRequest groups;
  groups.set_namespace_(arguments.namespace_name);
  std::set<std::string> names;
  absl::Status status = registry.ForEachPage<v1::ListGroupsRequest, v1::ListGroupsResponse>(
      &Registry::Stub::ListGroups, groups, [&](const v1::ListGroupsResponse& page) {
        for (const v1::GroupInfo& group : page.groups()) names.insert(group.options().dead_letter_queue());
        return true;
      });
  if (!status.ok()) return Fail(status, arguments, err);
  v1::ListQueuesRequest queues;
  queues.set_namespace_(arguments.namespace_name);
  Table table({Left("QUEUE"), Right("DEAD LETTERS"), Right("BYTES"), Right("LAST")});
  status = registry.ForEachPage<v1::ListQueuesRequest, v1::ListQueuesResponse>(
      &Registry::Stub::ListQueues, queues, [&](const v1::ListQueuesResponse& page) {
        for (const v1::QueueInfo& queue : page.queues()) {
          if (names.count(queue.name()) == 0) continue;
          if (arguments.json) out->WriteLine(ProtoToJson(queue));
          table.Add({queue.name(), Count(queue.last_sequence() + 1 - queue.first_sequence()), Bytes(queue.bytes()),
                     Count(queue.last_sequence())});
        }
        return true;
      });
  if (!status.ok()) return Fail(status, arguments, err);
  if (!arguments.json) out->Write(table.Render(out->columns()));
  return Done(*out, err);
}

int PrintRooms(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListRoomsRequest request;
  request.set_namespace_(arguments.namespace_name);
  request.set_room(arguments.room);
  return PrintList(registry, arguments, &Registry::Stub::ListRooms, request, &v1::ListRoomsResponse::rooms,
                   {Left("ROOM"), Right("MEMBERS"), Right("AGE")}, out, err);
}

int PrintClients(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListClientsRequest request;
  request.set_namespace_(arguments.namespace_name);
  *request.mutable_filter() = FilterOf(arguments);
  return PrintList(
      registry, arguments, &Registry::Stub::ListClients, request, &v1::ListClientsResponse::clients,
      {Left("CLIENT"), Left("NAME"), Left("ROOMS"), Right("SUBSCRIPTIONS", 4), Right("PUBLISHED", 1), Right("HEARD"),
       Right("DROPPED", 3), Right("AGE"), Left("PEER", 6), Left("LABELS", 2), Left("IDENTITY", 5)},
      out, err);
}

int PrintSubscriptions(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::ListSubscriptionsRequest request;
  request.set_namespace_(arguments.namespace_name);
  request.set_client_id(arguments.client);
  request.set_queue(arguments.queue);
  request.set_event(arguments.event);
  return PrintList(
      registry, arguments, &Registry::Stub::ListSubscriptions, request, &v1::ListSubscriptionsResponse::subscriptions,
      {Left("SUBSCRIPTION"), Left("CLIENT", 6), Left("NAME"), Left("HEARS"), Left("OVERFLOW", 4), Left("GROUP"),
       Right("QUEUES", 5), Right("LAG"), Right("IN FLIGHT", 3), Right("HEARD"), Right("DROPPED", 1), Right("AGE", 2)},
      out, err);
}

int PrintClient(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::GetClientRequest request;
  request.set_namespace_(arguments.namespace_name);
  request.set_client_id(arguments.client);
  v1::GetClientResponse response;
  absl::Status status = registry.Call(&Registry::Stub::GetClient, request, &response);
  if (!status.ok()) return Fail(status, arguments, err);
  const v1::ClientInfo& client = response.client();
  if (arguments.json) {
    out->WriteLine(ProtoToJson(client));
    return Done(*out, err);
  }
  const v1::Counters& counters = client.counters();
  Table table({Left("client"), Left(client.id())});
  table.Add({"name", client.name()});
  table.Add({"namespace", client.namespace_()});
  table.Add({"labels", LabelsText(client.labels())});
  table.Add({"rooms", absl::StrJoin(client.rooms(), ", ")});
  table.Add({"subscriptions", absl::StrJoin(client.subscriptions(), ", ")});
  table.Add({"peer", OneLine(client.peer())});
  table.Add(
      {"connected", absl::StrCat(Rfc3339(ToTime(client.connect_time())), ", ", AgeOf(client.connect_time()), " ago")});
  table.Add({"lease", Age(ToDuration(client.lease()))});
  table.Add({"published",
             absl::StrCat(Count(counters.published_messages()), " messages, ", Bytes(counters.published_bytes()))});
  table.Add(
      {"heard", absl::StrCat(Count(counters.delivered_messages()), " messages, ", Bytes(counters.delivered_bytes()))});
  table.Add({"dropped", absl::StrCat(Count(counters.dropped_messages()), " messages")});
  table.Add({"refused", absl::StrCat(Count(counters.refused_requests()), " requests")});
  out->Write(table.Render(out->columns()));
  return Done(*out, err);
}

int PrintCount(const RegistryClient& registry, const Arguments& arguments, Output* out, Output* err) {
  v1::CountClientsRequest request;
  request.set_namespace_(arguments.namespace_name);
  *request.mutable_filter() = FilterOf(arguments);
  v1::CountClientsResponse response;
  absl::Status status = registry.Call(&Registry::Stub::CountClients, request, &response);
  if (!status.ok()) return Fail(status, arguments, err);
  out->WriteLine(arguments.json ? ProtoToJson(response) : absl::StrCat(response.count()));
  return Done(*out, err);
}

}  // namespace

int RunList(const Arguments& arguments, Output* out, Output* err) {
  absl::StatusOr<std::unique_ptr<RegistryClient>> registry = RegistryClient::Open(arguments);
  if (!registry.ok()) return Fail(registry.status(), arguments, err);
  switch (arguments.command) {
    case Command::kNamespaces:
      return PrintNamespaces(**registry, arguments, out, err);
    case Command::kQueues:
      return PrintQueues(**registry, arguments, out, err);
    case Command::kGroups:
      return PrintGroups(**registry, arguments, out, err);
    case Command::kMetrics:
      return PrintMetrics(**registry, arguments, out, err);
    case Command::kRooms:
      return PrintRooms(**registry, arguments, out, err);
    case Command::kClients:
      return PrintClients(**registry, arguments, out, err);
    case Command::kSubscriptions:
      return PrintSubscriptions(**registry, arguments, out, err);
    case Command::kClient:
      return PrintClient(**registry, arguments, out, err);
    case Command::kDeadList:
      return PrintDeadLetterQueues(**registry, arguments, out, err);
    case Command::kCount:
      return PrintCount(**registry, arguments, out, err);
    default:
      return kExitUsage;
  }
}

}  // namespace cli
}  // namespace nmq
