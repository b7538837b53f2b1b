// What each request names of its namespace, so that the caller's right for it is asked for. A namespace or a session is
// found with the request (Broker), and a request that says nothing here does not compile.
#ifndef NMQ_SERVER_CALL_NAMES_IN_H_
#define NMQ_SERVER_CALL_NAMES_IN_H_

#include "nmq/v1/admin.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "server/call/named.h"

namespace nmq {

// A request that is not below has to be added there; tests/integration/rights_test tries what it says.
template <typename Request>
Names NamesIn(const Request& request) = delete;

// What a publisher needs: the right for the queue in each room that it names, or, if somebody may hear the message who
// is in none of them, in all rooms. `audience` is null for everyone.
void AddMessage(absl::string_view queue, const v1::Audience* audience, Names* names);

// Nothing in particular: any grant of the right in the namespace will do. What Registry answers is the part that the
// caller may see.
inline Names NamesIn(const v1::ConnectRequest&) { return {}; }
inline Names NamesIn(const v1::DisconnectRequest&) { return {}; }
inline Names NamesIn(const v1::ListQueuesRequest&) { return {}; }
inline Names NamesIn(const v1::ListRoomsRequest&) { return {}; }
inline Names NamesIn(const v1::ListClientsRequest&) { return {}; }
inline Names NamesIn(const v1::ListSubscriptionsRequest&) { return {}; }
inline Names NamesIn(const v1::ListGroupsRequest&) { return {}; }
inline Names NamesIn(const v1::GetClientRequest&) { return {}; }
inline Names NamesIn(const v1::CountClientsRequest&) { return {}; }
inline Names NamesIn(const v1::WatchRequest&) { return {}; }
// By its token; the question knows its queue (Broker::Reply).
inline Names NamesIn(const v1::ReplyRequest&) { return {}; }

// All of the namespace.
inline Names WholeNamespace() {
  return {{.queue = kAllOfThem, .room = kAllOfThem, .hidden = Name::Hidden::kForbidden}};
}
inline Names NamesIn(const v1::CreateNamespaceRequest&) { return WholeNamespace(); }
inline Names NamesIn(const v1::UpdateNamespaceRequest&) { return WholeNamespace(); }
inline Names NamesIn(const v1::DeleteNamespaceRequest&) { return WholeNamespace(); }
inline Names NamesIn(const v1::DisconnectClientsRequest&) { return WholeNamespace(); }

// A queue, by its name.
inline Names NamesIn(const v1::UpdateQueueRequest& request) { return {{.queue = request.name()}}; }
inline Names NamesIn(const v1::DeleteQueueRequest& request) { return {{.queue = request.name()}}; }
inline Names NamesIn(const v1::PurgeQueueRequest& request) { return {{.queue = request.name()}}; }
inline Names NamesIn(const v1::CreateQueueRequest& request) {
  return {{.queue = request.name(), .hidden = Name::Hidden::kForbidden}};
}
inline Names NamesIn(const v1::RedriveDeadLettersRequest& request) { return {{.queue = request.queue()}}; }
inline Names NamesIn(const v1::DeleteGroupRequest& request) { return {{.queue = request.queue()}}; }
inline Names NamesIn(const v1::PauseGroupRequest& request) { return {{.queue = request.queue()}}; }
inline Names NamesIn(const v1::ResumeGroupRequest& request) { return {{.queue = request.queue()}}; }
inline Names NamesIn(const v1::SeekGroupRequest& request) { return {{.queue = request.queue()}}; }
inline Names NamesIn(const v1::AcknowledgeRequest& request) { return {{.queue = request.queue()}}; }

Names NamesIn(const v1::JoinRequest& request);
Names NamesIn(const v1::LeaveRequest& request);
Names NamesIn(const v1::PublishRequest& request);
Names NamesIn(const v1::RequestRequest& request);
Names NamesIn(const v1::SubscribeRequest& request);
Names NamesIn(const v1::CreateGroupRequest& request);
Names NamesIn(const v1::MoveClientsRequest& request);

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_NAMES_IN_H_
