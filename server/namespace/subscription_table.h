#ifndef NMQ_SERVER_NAMESPACE_SUBSCRIPTION_TABLE_H_
#define NMQ_SERVER_NAMESPACE_SUBSCRIPTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "server/queue/subscription.h"

namespace nmq::broker {

// The subscriptions of a namespace, by id and by the client that has them. Thread-compatible: the namespace's mutex
// guards it.
class SubscriptionTable {
 public:
  // The keys are the subscriptions' own.
  using ById = absl::btree_map<absl::string_view, std::shared_ptr<Subscription>>;

  // An id for the client's next subscription.
  std::string NewId(const std::string& client_id);
  // The address, in the same piece of memory as for the client's last subscription if that had the same one.
  std::shared_ptr<const std::string> SharedPeer(const std::string& client_id, const std::string& peer);
  void Add(std::shared_ptr<Subscription> subscription);
  // False if it was removed before.
  bool Remove(const Subscription& subscription);
  // Takes out what a client has that goes; its ids begin anew.
  ById TakeOf(const std::string& client_id);

  const ById& Of(const std::string& client_id) const;
  size_t size() const { return by_id_.size(); }
  absl::btree_map<absl::string_view, Subscription*>::const_iterator begin() const { return by_id_.begin(); }
  absl::btree_map<absl::string_view, Subscription*>::const_iterator end() const { return by_id_.end(); }

  // Whether any of them wants this event of this queue.
  bool AnyHears(absl::string_view queue, absl::string_view event) const;

  // All after `after`, or those of the client `client_id` if it is not empty; see Roster::VisitClients.
  std::string Visit(const std::string& client_id, const std::string& after, int looks_max,
                    absl::FunctionRef<bool(Subscription&)> visit) const;

 private:
  struct OfClient {
    ById subscriptions;
    uint64_t made = 0;
    std::shared_ptr<const std::string> peer;  // of the last one that was made
  };

  absl::flat_hash_map<std::string, OfClient> by_client_;
  absl::btree_map<absl::string_view, Subscription*> by_id_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_NAMESPACE_SUBSCRIPTION_TABLE_H_
