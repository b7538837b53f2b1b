#include "server/http2/callers.h"

#include <utility>

namespace nmq::http2 {

absl::Status Callers::Add(const std::shared_ptr<const Principal>& caller, Identities* identities) {
  for (const Caller& one : callers_) {
    if (one.who == caller) return absl::OkStatus();
  }
  const std::shared_ptr<IdentityUse> use = identities->Of(caller.get());
  for (Caller& one : callers_) {
    if (one.who->name != caller->name) continue;
    one.who = caller;  // by another token, or what it may has changed
    return absl::OkStatus();
  }
  Share connection;
  absl::Status status = IdentityUse::AddConnection(use, &connection);
  if (!status.ok()) return status;
  if (callers_.size() == kCallersMax) callers_.erase(callers_.begin());
  callers_.push_back({caller, std::move(connection)});
  return status;
}

}  // namespace nmq::http2
