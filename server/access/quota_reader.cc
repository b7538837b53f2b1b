#include "server/access/quota_reader.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/config/limit_range.h"

namespace nmq {

absl::StatusOr<Quota> ReadQuota(const config::v1::Quota& from, const Place& at) {
  const Quota quota = {.connections = from.connections(),
                       .clients = from.clients(),
                       .subscriptions = from.subscriptions(),
                       .messages_per_second = from.messages_per_second(),
                       .bytes_per_second = from.bytes_per_second(),
                       .control_calls_per_second = from.control_calls_per_second()};
  const std::pair<const char*, uint64_t> fields[] = {
      {"connections", quota.connections},           {"clients", quota.clients},
      {"subscriptions", quota.subscriptions},       {"messages_per_second", quota.messages_per_second},
      {"bytes_per_second", quota.bytes_per_second}, {"control_calls_per_second", quota.control_calls_per_second}};
  for (const auto& [name, value] : fields) {
    absl::Status status = CheckLimitRange(absl::StrCat(name, "_per_identity"), value, at.Field(name));
    if (!status.ok()) return status;
  }
  return quota;
}

}  // namespace nmq
