#ifndef NMQ_SERVER_REGISTRY_REGISTRY_H_
#define NMQ_SERVER_REGISTRY_REGISTRY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nmq/v1/registry.pb.h"
#include "server/broker/broker.h"
#include "server/call/call.h"

namespace nmq::broker {

// Answers the requests of nmq.v1.Registry but for Watch; registry.proto says what each does. Nothing is changed, and no
// lock is held for longer than it takes to look at some hundred entries. Thread-safe.
class Registry {
 public:
  // `broker` must outlive the registry.
  explicit Registry(const Broker* broker) : broker_(*broker) {}

  absl::Status ListNamespaces(const Call& call, const v1::ListNamespacesRequest& request,
                              v1::ListNamespacesResponse* response) const;
  absl::Status ListQueues(const Call& call, const v1::ListQueuesRequest& request,
                          v1::ListQueuesResponse* response) const;
  absl::Status ListRooms(const Call& call, const v1::ListRoomsRequest& request, v1::ListRoomsResponse* response) const;
  absl::Status ListClients(const Call& call, const v1::ListClientsRequest& request,
                           v1::ListClientsResponse* response) const;
  absl::Status ListSubscriptions(const Call& call, const v1::ListSubscriptionsRequest& request,
                                 v1::ListSubscriptionsResponse* response) const;
  absl::Status ListGroups(const Call& call, const v1::ListGroupsRequest& request,
                          v1::ListGroupsResponse* response) const;
  absl::Status GetClient(const Call& call, const v1::GetClientRequest& request, v1::GetClientResponse* response) const;
  absl::Status ListMetrics(const Call& call, const v1::ListMetricsRequest& request,
                           v1::ListMetricsResponse* response) const;
  absl::Status CountClients(const Call& call, const v1::CountClientsRequest& request,
                            v1::CountClientsResponse* response) const;
  absl::Status Explain(const Call& call, const v1::ExplainRequest& request, v1::ExplainResponse* response) const;

 private:
  v1::ClientInfo ClientInfoOf(const Namespace& name_space, const Namespace::ClientView& client) const;
  absl::Status CheckFilterName(absl::string_view field, const std::string& name) const;

  const Broker& broker_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_REGISTRY_REGISTRY_H_
