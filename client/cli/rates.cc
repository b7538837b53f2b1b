#include "client/cli/rates.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/human.h"
#include "client/cli/json.h"

namespace nmq {
namespace cli {
namespace {

constexpr size_t kNamespacesMax = 10;
void WriteRates(const Rates& rates, JsonWriter* json) {
  json->Key("messages_in_per_second").Number(rates.messages_in);
  json->Key("messages_out_per_second").Number(rates.messages_out);
  json->Key("bytes_in_per_second").Number(rates.bytes_in);
  json->Key("bytes_out_per_second").Number(rates.bytes_out);
  json->Key("dropped_per_second").Number(rates.dropped);
  json->Key("refused_per_second").Number(rates.refused);
}

template <typename Info>
void WriteList(const char* key, const std::vector<Rated<Info>>& rated, JsonWriter* json) {
  json->Key(key).BeginArray();
  for (const Rated<Info>& entry : rated) {
    json->BeginObject();
    WriteRates(entry.rates, json);
    json->Key("info");
    WriteProto(*entry.info, json);
    json->EndObject();
  }
  json->EndArray();
}

}  // namespace

std::string KeyOf(const v1::NamespaceInfo& info) { return info.name(); }
std::string KeyOf(const v1::QueueInfo& info) { return absl::StrCat(info.namespace_(), "/", info.name()); }
std::string KeyOf(const v1::ClientInfo& info) { return absl::StrCat(info.namespace_(), "/", info.id()); }

absl::StatusOr<Sample> TakeSample(const RegistryClient& registry, const std::string& namespace_name) {
  Sample sample;
  absl::Status status = registry.ForEachPage<v1::ListNamespacesRequest, v1::ListNamespacesResponse>(
      &v1::Registry::Stub::ListNamespaces, {}, [&](const v1::ListNamespacesResponse& page) {
        for (const v1::NamespaceInfo& info : page.namespaces()) {
          if (namespace_name.empty() || info.name() == namespace_name) sample.namespaces.push_back(info);
        }
        return true;
      });
  if (!status.ok()) return status;
  for (size_t i = 0; i < std::min(sample.namespaces.size(), kNamespacesMax); ++i) {
    v1::ListQueuesRequest queues;
    queues.set_namespace_(sample.namespaces[i].name());
    v1::ListClientsRequest clients;
    clients.set_namespace_(sample.namespaces[i].name());
    status = registry.ForEachPage<v1::ListQueuesRequest, v1::ListQueuesResponse>(
        &v1::Registry::Stub::ListQueues, queues, [&](const v1::ListQueuesResponse& page) {
          sample.queues.insert(sample.queues.end(), page.queues().begin(), page.queues().end());
          return false;
        });
    if (!status.ok()) return status;
    status = registry.ForEachPage<v1::ListClientsRequest, v1::ListClientsResponse>(
        &v1::Registry::Stub::ListClients, clients, [&](const v1::ListClientsResponse& page) {
          sample.clients.insert(sample.clients.end(), page.clients().begin(), page.clients().end());
          return false;
        });
    if (!status.ok()) return status;
  }
  sample.time = absl::Now();
  return sample;
}

Rates RatesOf(const v1::Counters& before, const v1::Counters& now, absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (seconds <= 0) return {};
  const auto rate = [seconds](uint64_t from, uint64_t to) {
    return static_cast<double>(to >= from ? to - from : to) / seconds;
  };
  return {.messages_in = rate(before.published_messages(), now.published_messages()),
          .messages_out = rate(before.delivered_messages(), now.delivered_messages()),
          .bytes_in = rate(before.published_bytes(), now.published_bytes()),
          .bytes_out = rate(before.delivered_bytes(), now.delivered_bytes()),
          .dropped = rate(before.dropped_messages(), now.dropped_messages()),
          .refused = rate(before.refused_requests(), now.refused_requests())};
}

std::string RatesJson(const Sample& before, const Sample& now) {
  const absl::Duration elapsed = now.time - before.time;
  JsonWriter json;
  json.BeginObject().Key("time").String(Rfc3339(now.time));
  WriteList("namespaces", WithRates(before.namespaces, now.namespaces, elapsed), &json);
  WriteList("queues", WithRates(before.queues, now.queues, elapsed), &json);
  WriteList("clients", WithRates(before.clients, now.clients, elapsed), &json);
  return json.EndObject().json();
}

}  // namespace cli
}  // namespace nmq
