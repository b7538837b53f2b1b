#include "server/namespace/client_filter.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "base/names.h"
#include "server/queue/subscription.h"

namespace nmq::broker {
namespace {

bool HasLabels(const std::map<std::string, std::string>& labels, const v1::ClientFilter& filter) {
  return std::all_of(filter.labels().begin(), filter.labels().end(), [&](const auto& wanted) {
    auto it = labels.find(wanted.first);
    return it != labels.end() && it->second == wanted.second;
  });
}

absl::Status CheckFilterName(absl::string_view field, const std::string& name, const Limits& limits) {
  return name.empty() ? absl::OkStatus() : CheckName(field, name, limits.name_bytes);
}

}  // namespace

absl::Status CheckFilter(const v1::ClientFilter& filter, const Limits& limits) {
  absl::Status status = CheckFilterName("filter.room", filter.room(), limits);
  if (status.ok()) status = CheckFilterName("filter.queue", filter.queue(), limits);
  if (status.ok()) status = CheckFilterName("filter.event", filter.event(), limits);
  if (status.ok()) status = CheckFilterName("filter.name", filter.name(), limits);
  return status;
}

bool IsEmpty(const v1::ClientFilter& filter) {
  return filter.room().empty() && filter.queue().empty() && filter.event().empty() && filter.name().empty() &&
         filter.labels().empty();
}

bool Passes(const v1::ClientFilter& filter, const Namespace::ClientView& client) {
  if (!filter.name().empty() && filter.name() != *client.name) return false;
  if (!HasLabels(*client.labels, filter)) return false;
  if (filter.queue().empty() && filter.event().empty()) return true;
  return std::any_of(client.subscriptions.begin(), client.subscriptions.end(), [&](const Subscription* subscription) {
    return subscription->Hears(filter.queue(), filter.event());
  });
}

}  // namespace nmq::broker
