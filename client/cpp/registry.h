// Who and what is there, from C++.
#ifndef NMQ_CLIENT_CPP_REGISTRY_H_
#define NMQ_CLIENT_CPP_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nmq/v1/registry.grpc.pb.h"

namespace nmq {
inline namespace client {

namespace internal {
class Session;
}  // namespace internal

// Asks over the client's connection, without a session of its own: who only looks is not a client. Where a request for
// one namespace names none, the client's is meant. A lost connection is waited for as in other calls, for
// wait_for_server; an answer takes at most 10 s. registry.proto says what the fields are. Thread-safe; may outlive the
// client, and ends with it.
class Registry {
 public:
  explicit Registry(std::shared_ptr<internal::Session> session);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // All that the request lets through, fetched page by page, whatever its page_size: the answer has the revision of the
  // first page, after which to watch, and no next_page_token.
  absl::StatusOr<v1::ListNamespacesResponse> ListNamespaces(v1::ListNamespacesRequest request = {});
  absl::StatusOr<v1::ListQueuesResponse> ListQueues(v1::ListQueuesRequest request = {});
  absl::StatusOr<v1::ListGroupsResponse> ListGroups(v1::ListGroupsRequest request = {});
  absl::StatusOr<v1::ListRoomsResponse> ListRooms(v1::ListRoomsRequest request = {});
  absl::StatusOr<v1::ListClientsResponse> ListClients(v1::ListClientsRequest request = {});
  absl::StatusOr<v1::ListSubscriptionsResponse> ListSubscriptions(v1::ListSubscriptionsRequest request = {});
  absl::StatusOr<v1::ListMetricsResponse> ListMetrics(v1::ListMetricsRequest request = {});

  // NOT_FOUND if there is no such client.
  absl::StatusOr<v1::ClientInfo> GetClient(const std::string& id);
  absl::StatusOr<v1::CountClientsResponse> CountClients(v1::CountClientsRequest request = {});

  // Who this client is to the server, and whether it, or another identity, has a right; registry.proto says who may
  // ask.
  absl::StatusOr<v1::ExplainResponse> Explain(v1::ExplainRequest request = {});

  // Hands what happens in the request's namespace, or in all if it names none, to `on_change`, on this thread, until
  // that returns false: OK then. Else why it ended: UNAVAILABLE if the connection was lost, CANCELLED if the client
  // disconnected. Go on after the last revision.
  absl::Status Watch(const v1::WatchRequest& request, absl::FunctionRef<bool(const v1::WatchResponse&)> on_change);

 private:
  const std::shared_ptr<internal::Session> session_;
  const std::unique_ptr<v1::Registry::Stub> stub_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_REGISTRY_H_
