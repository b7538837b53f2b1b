#include "server/namespace/subscription_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/visit_after.h"

namespace nmq::broker {

std::string SubscriptionTable::NewId(const std::string& client_id) {
  return absl::StrCat(client_id, ".", ++by_client_[client_id].made);
}

std::shared_ptr<const std::string> SubscriptionTable::SharedPeer(const std::string& client_id,
                                                                 const std::string& peer) {
  std::shared_ptr<const std::string>& last = by_client_[client_id].peer;
  if (last == nullptr || *last != peer) last = std::make_shared<const std::string>(peer);
  return last;
}

void SubscriptionTable::Add(std::shared_ptr<Subscription> subscription) {
  by_id_.emplace(subscription->id(), subscription.get());
  ById& of_client = by_client_[subscription->client().id()].subscriptions;
  of_client.emplace(subscription->id(), std::move(subscription));
}

bool SubscriptionTable::Remove(const Subscription& subscription) {
  const auto found = by_client_.find(subscription.client().id());
  if (found == by_client_.end()) return false;
  by_id_.erase(subscription.id());
  return found->second.subscriptions.erase(subscription.id()) > 0;
}

SubscriptionTable::ById SubscriptionTable::TakeOf(const std::string& client_id) {
  const auto found = by_client_.find(client_id);
  if (found == by_client_.end()) return {};
  ById taken = std::move(found->second.subscriptions);
  by_client_.erase(found);
  for (const auto& [id, subscription] : taken) by_id_.erase(id);
  return taken;
}

const SubscriptionTable::ById& SubscriptionTable::Of(const std::string& client_id) const {
  static const ById* const kNone = new ById();
  const auto found = by_client_.find(client_id);
  return found == by_client_.end() ? *kNone : found->second.subscriptions;
}

bool SubscriptionTable::AnyHears(absl::string_view queue, absl::string_view event) const {
  return std::any_of(by_id_.begin(), by_id_.end(), [&](const auto& item) { return item.second->Hears(queue, event); });
}

std::string SubscriptionTable::Visit(const std::string& client_id, const std::string& after, int looks_max,
                                     absl::FunctionRef<bool(Subscription&)> visit) const {
  const auto id_of = [](const auto& item) -> const std::string& { return item.second->id(); };
  const auto visit_item = [&](const auto& item) { return visit(*item.second); };
  if (client_id.empty()) return VisitAfter(by_id_, after, looks_max, id_of, visit_item);
  return VisitAfter(Of(client_id), after, looks_max, id_of, visit_item);
}

}  // namespace nmq::broker
