// ping and info: is the server there, and what is it.
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/deadline.h"
#include "base/errors.h"
#include "base/grpc_deadline.h"
#include "base/version.h"
#include "client/cli/commands.h"
#include "client/cli/connection.h"
#include "client/cli/explain.h"
#include "client/cli/histogram.h"
#include "client/cli/human.h"
#include "client/cli/json.h"
#include "client/cli/stop.h"
#include "client/cli/table.h"
#include "client/cpp/client.h"
#include "client/cpp/status.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"

namespace nmq {
namespace cli {
namespace {

constexpr absl::Duration kPingEach = absl::Seconds(1);

// What everybody may ask.
absl::Status PingOnce(grpc::health::v1::Health::Stub* health) {
  using grpc::health::v1::HealthCheckResponse;
  grpc::ClientContext context;
  context.set_deadline(ToGrpc(Deadline::In(absl::Seconds(10))));
  HealthCheckResponse response;
  absl::Status status = FromGrpc(health->Check(&context, grpc::health::v1::HealthCheckRequest(), &response));
  if (!status.ok() || response.status() == HealthCheckResponse::SERVING) return status;
  return Unavailable(
      "NOT_SERVING",
      absl::StrCat("the server answers, and says ", HealthCheckResponse::ServingStatus_Name(response.status())),
      absl::ZeroDuration());
}

std::string PingJson(const std::string& server, uint64_t number, absl::Duration took) {
  JsonWriter json;
  json.BeginObject().Key("server").String(server).Key("number").Integer(number);
  return json.Key("milliseconds").Number(absl::ToDoubleMilliseconds(took)).EndObject().json();
}

// What the server is and holds, as far as the caller may see it.
struct Facts {
  // Not told to those who may not see all namespaces.
  bool about_server = true;
  std::string version;
  absl::Time start;
  v1::Counters counters;
  uint64_t namespaces = 0;
  uint64_t queues = 0;
  uint64_t clients = 0;
  uint64_t rooms = 0;
  uint64_t subscriptions = 0;
};

absl::StatusOr<Facts> Ask(const RegistryClient& registry) {
  Facts facts;
  absl::Status status = registry.ForEachPage<v1::ListMetricsRequest, v1::ListMetricsResponse>(
      &v1::Registry::Stub::ListMetrics, {}, [&facts](const v1::ListMetricsResponse& page) {
        for (const v1::Metric& metric : page.metrics()) {
          if (metric.name() == "nmq_build_info") facts.version = metric.labels().at("version");
          if (metric.name() == "nmq_start_time_seconds")
            facts.start = absl::UnixEpoch() + absl::Seconds(metric.gauge());
        }
        return true;
      });
  facts.about_server = !absl::IsPermissionDenied(status);
  if (!status.ok() && facts.about_server) return status;
  status = registry.ForEachPage<v1::ListNamespacesRequest, v1::ListNamespacesResponse>(
      &v1::Registry::Stub::ListNamespaces, {}, [&facts](const v1::ListNamespacesResponse& page) {
        for (const v1::NamespaceInfo& info : page.namespaces()) {
          ++facts.namespaces;
          facts.queues += info.queues();
          facts.clients += info.clients();
          facts.rooms += info.rooms();
          facts.subscriptions += info.subscriptions();
          v1::Counters& sum = facts.counters;
          sum.set_published_messages(sum.published_messages() + info.counters().published_messages());
          sum.set_delivered_messages(sum.delivered_messages() + info.counters().delivered_messages());
          sum.set_dropped_messages(sum.dropped_messages() + info.counters().dropped_messages());
          sum.set_refused_requests(sum.refused_requests() + info.counters().refused_requests());
        }
        return true;
      });
  if (!status.ok()) return status;
  return facts;
}

std::string InfoJson(const Arguments& arguments, const Facts& facts) {
  JsonWriter json;
  json.BeginObject().Key("server").String(arguments.server).Key("context").String(arguments.context);
  if (facts.about_server) json.Key("version").String(facts.version);
  json.Key("client_version").String(kVersion);
  if (facts.about_server) json.Key("start_time").String(Rfc3339(facts.start));
  json.Key("namespaces").Integer(facts.namespaces);
  json.Key("queues").Integer(facts.queues).Key("clients").Integer(facts.clients).Key("rooms").Integer(facts.rooms);
  json.Key("subscriptions").Integer(facts.subscriptions).Key("counters");
  WriteProto(facts.counters, &json);
  return json.EndObject().json();
}

std::string InfoText(const Arguments& arguments, const Facts& facts) {
  const bool tls =
      !arguments.tls_ca.empty() || !arguments.tls_certificate.empty() || absl::StartsWith(arguments.server, "https://");
  Table table({{"server"}, {arguments.server}});
  if (!arguments.context.empty()) table.Add({"context", OneLine(arguments.context)});
  table.Add(
      {"version", absl::StrCat(facts.version.empty() ? "not told" : facts.version, ", of this program ", kVersion)});
  if (facts.about_server) {
    table.Add({"running", absl::StrCat("for ", Age(absl::Now() - facts.start), ", since ", Rfc3339(facts.start))});
  } else {
    table.Add({"shown", "what the caller may inspect, which is not the whole server"});
  }
  table.Add({"connection", tls ? "TLS" : "plain text"});
  table.Add({"namespaces", Count(facts.namespaces)});
  table.Add({"queues", Count(facts.queues)});
  table.Add({"clients", absl::StrCat(Count(facts.clients), " in ", Count(facts.rooms), " rooms, with ",
                                     Count(facts.subscriptions), " subscriptions")});
  const v1::Counters& counters = facts.counters;
  table.Add({"since then",
             absl::StrCat(Count(counters.published_messages()), " published, ", Count(counters.delivered_messages()),
                          " delivered, ", Count(counters.dropped_messages()), " dropped, ",
                          Count(counters.refused_requests()), " refused")});
  return table.Render();
}

}  // namespace

int RunPing(const Arguments& arguments, Output* out, Output* err) {
  Stop stop;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(OptionsFor(arguments));
  if (!client.ok()) return Fail(client.status(), arguments, err);
  const auto health = grpc::health::v1::Health::NewStub((*client)->channel());
  Histogram times;
  uint64_t number = 0;
  absl::Status status;
  do {
    const absl::Time start = absl::Now();
    status = PingOnce(health.get());
    const absl::Duration took = absl::Now() - start;
    if (!status.ok()) break;
    times.Add(took);
    ++number;
    out->WriteLine(arguments.json ? PingJson(arguments.server, number, took)
                                  : absl::StrCat(arguments.server, " answered in ", TimeText(took),
                                                 number == 1 ? ", connecting included" : ""));
  } while (number != arguments.count && out->error() == 0 && !stop.Wait(kPingEach));
  if (!status.ok()) return Fail(status, arguments, err);
  if (!arguments.json && number > 1) {
    out->WriteLine(absl::StrCat(Count(number), " answers, least ", TimeText(times.least()), ", median ",
                                TimeText(times.Quantile(0.5)), ", most ", TimeText(times.most())));
  }
  return Done(*out, err);
}

int RunInfo(const Arguments& arguments, Output* out, Output* err) {
  absl::StatusOr<std::unique_ptr<RegistryClient>> registry = RegistryClient::Open(arguments);
  if (!registry.ok()) return Fail(registry.status(), arguments, err);
  const absl::StatusOr<Facts> facts = Ask(**registry);
  if (!facts.ok()) return Fail(facts.status(), arguments, err);
  if (arguments.json) {
    out->WriteLine(InfoJson(arguments, *facts));
  } else {
    out->Write(InfoText(arguments, *facts));
  }
  return Done(*out, err);
}

}  // namespace cli
}  // namespace nmq
