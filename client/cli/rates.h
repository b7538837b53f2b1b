// What `top` shows: two samples of the Registry, and what happened between them.
#ifndef NMQ_CLIENT_CLI_RATES_H_
#define NMQ_CLIENT_CLI_RATES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cli/connection.h"
#include "nmq/v1/registry.pb.h"

namespace nmq {
namespace cli {

struct Sample {
  absl::Time time;
  std::vector<v1::NamespaceInfo> namespaces;
  std::vector<v1::QueueInfo> queues;
  std::vector<v1::ClientInfo> clients;
};

// Of one namespace, or of all if the name is empty. To stay cheap it reads one page of queues and of clients of each of
// the first few namespaces.
absl::StatusOr<Sample> TakeSample(const RegistryClient& registry, const std::string& namespace_name);

// Per second.
struct Rates {
  double messages_in = 0;
  double messages_out = 0;
  double bytes_in = 0;
  double bytes_out = 0;
  double dropped = 0;
  double refused = 0;
};

// A thing that appeared meanwhile began at zero; counters that went back belong to a server that was restarted, and
// count from zero, too.
Rates RatesOf(const v1::Counters& before, const v1::Counters& now, absl::Duration elapsed);

// Names it among its kind: "shop", "shop/DB", "shop/c-1".
std::string KeyOf(const v1::NamespaceInfo& info);
std::string KeyOf(const v1::QueueInfo& info);
std::string KeyOf(const v1::ClientInfo& info);

// A thing of a sample, which it refers to.
template <typename Info>
struct Rated {
  const Info* info;
  Rates rates;
};

template <typename Info>
std::vector<Rated<Info>> WithRates(const std::vector<Info>& before, const std::vector<Info>& now,
                                   absl::Duration elapsed) {
  std::map<std::string, const v1::Counters*> known;
  for (const Info& info : before) known[KeyOf(info)] = &info.counters();
  std::vector<Rated<Info>> rated;
  for (const Info& info : now) {
    const auto found = known.find(KeyOf(info));
    const v1::Counters& counters = found == known.end() ? v1::Counters::default_instance() : *found->second;
    rated.push_back({&info, RatesOf(counters, info.counters(), elapsed)});
  }
  return rated;
}

// As one JSON object, with all queues and clients of the sample. `before` may be empty.
std::string RatesJson(const Sample& before, const Sample& now);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_RATES_H_
