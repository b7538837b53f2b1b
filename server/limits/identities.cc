#include "server/limits/identities.h"

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq {
namespace {

uint64_t Either(uint64_t own, uint64_t of_all) { return own != 0 ? own : of_all; }

}  // namespace

void IdentityUse::SetQuota(const Quota& quota) {
  MutexLock lock(&mu_);
  if (quota_set_ && quota == quota_) return;
  quota_set_ = true;
  quota_ = quota;
  connections_.max.store(Either(quota.connections, limits_.connections_per_identity));
  clients_.max.store(Either(quota.clients, limits_.clients_per_identity));
  subscriptions_.max.store(Either(quota.subscriptions, limits_.subscriptions_per_identity));
  publishing_.Set(Either(quota.messages_per_second, limits_.messages_per_second_per_identity),
                  Either(quota.bytes_per_second, limits_.bytes_per_second_per_identity), limits_.rate_burst);
  control_calls_.Set(Either(quota.control_calls_per_second, limits_.control_calls_per_second_per_identity),
                     limits_.rate_burst);
}

absl::Status IdentityUse::Add(const std::shared_ptr<IdentityUse>& use, Counted IdentityUse::*counted, Share* share) {
  Counted& of = (*use).*counted;
  const uint64_t max = of.max.load(std::memory_order_relaxed);
  const uint64_t value = share->Take(Share::Count(use, &of.count), max);
  if (value == 0) return absl::OkStatus();
  const std::string bound = absl::StrCat(max);
  return ResourceExhausted(kReasonLimitExceeded,
                           absl::StrCat(of.limit, ": ", value, " exceeds the limit of ", bound, " of the identity ",
                                        Quote(use->name_), "; end some, or have the limit raised"),
                           absl::ZeroDuration(),
                           {{"limit", of.limit}, {"value", absl::StrCat(value)}, {"bound", bound}});
}

absl::Status IdentityUse::AddConnection(const std::shared_ptr<IdentityUse>& use, Share* share) {
  return Add(use, &IdentityUse::connections_, share);
}

absl::Status IdentityUse::AddClient(const std::shared_ptr<IdentityUse>& use, Share* share) {
  return Add(use, &IdentityUse::clients_, share);
}

absl::Status IdentityUse::AddSubscription(const std::shared_ptr<IdentityUse>& use, Share* share) {
  return Add(use, &IdentityUse::subscriptions_, share);
}

std::shared_ptr<IdentityUse> Identities::Of(const Principal* caller) {
  if (caller == nullptr) return nullptr;
  auto use = uses_.Of(caller->name, [&] { return std::make_shared<IdentityUse>(limits_, caller->name); });
  use->SetQuota(caller->quota);
  return use;
}

}  // namespace nmq
