// Changes what the server keeps, from C++: namespaces, queues, groups, and who is where.
#ifndef NMQ_CLIENT_CPP_ADMIN_H_
#define NMQ_CLIENT_CPP_ADMIN_H_

#include <memory>

#include "absl/status/statusor.h"
#include "nmq/v1/admin.grpc.pb.h"

namespace nmq {
inline namespace client {

namespace internal {
class Session;
}  // namespace internal

// Asks over the client's connection, without a session of its own. Where a request for one namespace names none, the
// client's is meant. Each call returns when its effect is complete, however long that takes, or when the client
// disconnects. It is repeated, for wait_for_server, only when the change cannot have been made: while there is no
// connection, or after the server's own refusal; UNAVAILABLE may mean that it was made and the answer was lost.
// admin.proto says what each does, and which errors it has. Thread-safe; may outlive the client, and ends with it.
class Admin {
 public:
  explicit Admin(std::shared_ptr<internal::Session> session);
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  absl::StatusOr<v1::CreateNamespaceResponse> CreateNamespace(v1::CreateNamespaceRequest request);
  absl::StatusOr<v1::UpdateNamespaceResponse> UpdateNamespace(v1::UpdateNamespaceRequest request);
  absl::StatusOr<v1::DeleteNamespaceResponse> DeleteNamespace(v1::DeleteNamespaceRequest request);
  absl::StatusOr<v1::CreateQueueResponse> CreateQueue(v1::CreateQueueRequest request);
  absl::StatusOr<v1::UpdateQueueResponse> UpdateQueue(v1::UpdateQueueRequest request);
  absl::StatusOr<v1::DeleteQueueResponse> DeleteQueue(v1::DeleteQueueRequest request);
  absl::StatusOr<v1::PurgeQueueResponse> PurgeQueue(v1::PurgeQueueRequest request);
  absl::StatusOr<v1::CreateGroupResponse> CreateGroup(v1::CreateGroupRequest request);
  absl::StatusOr<v1::DeleteGroupResponse> DeleteGroup(v1::DeleteGroupRequest request);
  absl::StatusOr<v1::PauseGroupResponse> PauseGroup(v1::PauseGroupRequest request);
  absl::StatusOr<v1::ResumeGroupResponse> ResumeGroup(v1::ResumeGroupRequest request);
  absl::StatusOr<v1::SeekGroupResponse> SeekGroup(v1::SeekGroupRequest request);
  absl::StatusOr<v1::RedriveDeadLettersResponse> RedriveDeadLetters(v1::RedriveDeadLettersRequest request);
  absl::StatusOr<v1::MoveClientsResponse> MoveClients(v1::MoveClientsRequest request);
  absl::StatusOr<v1::DisconnectClientsResponse> DisconnectClients(v1::DisconnectClientsRequest request);

 private:
  const std::shared_ptr<internal::Session> session_;
  const std::unique_ptr<v1::Admin::Stub> stub_;
};

}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_ADMIN_H_
