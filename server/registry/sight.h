#ifndef NMQ_SERVER_REGISTRY_SIGHT_H_
#define NMQ_SERVER_REGISTRY_SIGHT_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "nmq/v1/registry.pb.h"
#include "server/broker/broker.h"
#include "server/call/access.h"
#include "server/call/call.h"

namespace nmq::broker {

// What of a namespace a caller may see, or whatever else the right of its call is for: queues, with their groups, and
// rooms by their names; clients in a room that it may see, and its own; of their subscriptions those of which it may
// see all queues. For one thread.
class Sight {
 public:
  // The caller may inspect something of the namespace. All must outlive this.
  Sight(const Broker& broker, const Call& call, absl::string_view name_space);

  // Nothing is hidden.
  bool all() const { return all_; }
  bool Queue(absl::string_view queue) const;
  bool Room(absl::string_view room) const;
  bool Subscription(const broker::Subscription& subscription) const;
  // In a list of its own: also who its client is.
  bool ListedSubscription(broker::Subscription& subscription) const;
  // Takes out of the view what is not to be seen; false if that is the client itself.
  bool Client(Namespace::ClientView* client) const;
  bool Change(const v1::Change& change) const;
  // All of a group whose queue may be seen, but other queues and rooms that may not.
  void Describe(const broker::Group& group, v1::GroupInfo* info) const;
  // Whether a filter asks for nothing that is hidden: then it lets nobody through.
  bool Filter(const v1::ClientFilter& filter) const;

 private:
  bool IsOwn(const broker::Client& client) const;

  const Call& call_;
  const std::unique_ptr<AccessView> view_;
  bool all_;
  bool all_queues_;
  bool all_rooms_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_REGISTRY_SIGHT_H_
