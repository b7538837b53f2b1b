#ifndef NMQ_SERVER_ADMIN_ADMIN_H_
#define NMQ_SERVER_ADMIN_ADMIN_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/under_way.h"
#include "base/worker.h"
#include "nmq/v1/admin.pb.h"
#include "server/admin/redrive.h"
#include "server/broker/broker.h"
#include "server/call/call.h"

namespace nmq::broker {

// Answers the requests of nmq.v1.Admin; admin.proto says what each does. For one thread, which may wait for the disk
// and for the groups' runner. RedriveDeadLetters
// has a thread of its own.
class Admin {
 public:
  // `broker` must outlive this.
  explicit Admin(Broker* broker) : broker_(*broker) {}
  ~Admin() { StopRedriving(); }

  absl::Status CreateNamespace(const Call& call, const v1::CreateNamespaceRequest& request,
                               v1::CreateNamespaceResponse* response);
  absl::Status UpdateNamespace(const Call& call, const v1::UpdateNamespaceRequest& request,
                               v1::UpdateNamespaceResponse* response);
  absl::Status DeleteNamespace(const Call& call, const v1::DeleteNamespaceRequest& request,
                               v1::DeleteNamespaceResponse* response);
  absl::Status CreateQueue(const Call& call, const v1::CreateQueueRequest& request, v1::CreateQueueResponse* response);
  absl::Status UpdateQueue(const Call& call, const v1::UpdateQueueRequest& request, v1::UpdateQueueResponse* response);
  absl::Status DeleteQueue(const Call& call, const v1::DeleteQueueRequest& request, v1::DeleteQueueResponse* response);
  absl::Status PurgeQueue(const Call& call, const v1::PurgeQueueRequest& request, v1::PurgeQueueResponse* response);
  absl::Status CreateGroup(const Call& call, const v1::CreateGroupRequest& request, v1::CreateGroupResponse* response);
  absl::Status DeleteGroup(const Call& call, const v1::DeleteGroupRequest& request, v1::DeleteGroupResponse* response);
  absl::Status PauseGroup(const Call& call, const v1::PauseGroupRequest& request, v1::PauseGroupResponse* response);
  absl::Status ResumeGroup(const Call& call, const v1::ResumeGroupRequest& request, v1::ResumeGroupResponse* response);
  absl::Status SeekGroup(const Call& call, const v1::SeekGroupRequest& request, v1::SeekGroupResponse* response);
  // Answers later, once, and under no lock; at the latest in StopRedriving.
  void RedriveDeadLetters(const Call& call, const v1::RedriveDeadLettersRequest& request, RedriveDone done);
  // Has those that are under way stop where they are, and waits for that. For when no more calls come.
  void StopRedriving();
  absl::Status MoveClients(const Call& call, const v1::MoveClientsRequest& request, v1::MoveClientsResponse* response);
  absl::Status DisconnectClients(const Call& call, const v1::DisconnectClientsRequest& request,
                                 v1::DisconnectClientsResponse* response);

 private:
  const Limits& limits() const { return broker_.limits(); }
  absl::Status CheckNames(absl::string_view field, const google::protobuf::RepeatedPtrField<std::string>& names) const;
  absl::Status CheckGroup(const std::string& queue, const std::string& group) const;
  absl::StatusOr<std::vector<std::string>> Events(absl::string_view field,
                                                  const google::protobuf::RepeatedPtrField<std::string>& events) const;
  absl::StatusOr<RetentionConfig> Retention(const v1::Retention& retention, bool durable) const;
  // The ids of the clients of a filter. INVALID_ARGUMENT if it lets all through and `all` is not set.
  absl::StatusOr<std::vector<std::string>> ClientsOf(const Namespace& name_space, const v1::ClientFilter& filter,
                                                     bool all) const;

  Broker& broker_;
  std::atomic<bool> stopping_{false};
  UnderWay redrives_;
  Worker redriver_;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_ADMIN_ADMIN_H_
