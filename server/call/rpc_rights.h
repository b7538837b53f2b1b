// The right that each rpc needs, by its request. A transport registers an rpc with RightOf its request, so one without
// a row here does not compile.
#ifndef NMQ_SERVER_CALL_RPC_RIGHTS_H_
#define NMQ_SERVER_CALL_RPC_RIGHTS_H_

#include <type_traits>

#include "nmq/v1/admin.pb.h"
#include "nmq/v1/message_queue.pb.h"
#include "nmq/v1/registry.pb.h"
#include "server/call/right.h"

namespace nmq {

template <typename RequestMessage, Right kRight>
struct RpcRight {
  using Request = RequestMessage;
  static constexpr Right right = kRight;
};

template <typename... Rows>
struct RpcRightTable {
  template <typename Request>
  static constexpr Right Of() {
    static_assert((std::is_same_v<Request, typename Rows::Request> || ...),
                  "this rpc has no right: give its request a row in rpc_rights.h");
    Right right = Right::kAdmin;
    ((std::is_same_v<Request, typename Rows::Request> ? void(right = Rows::right) : void()), ...);
    return right;
  }
  // Calls `visit` with the descriptor of each request and the right.
  template <typename Visit>
  static void ForEach(Visit visit) {
    (visit(Rows::Request::descriptor(), Rows::right), ...);
  }
};

using RpcRights = RpcRightTable<
    // MessageQueue. Who may hear a question may answer it.
    RpcRight<v1::ConnectRequest, Right::kConnect>, RpcRight<v1::DisconnectRequest, Right::kConnect>,
    RpcRight<v1::JoinRequest, Right::kJoin>, RpcRight<v1::LeaveRequest, Right::kJoin>,
    RpcRight<v1::PublishRequest, Right::kPublish>, RpcRight<v1::PublishStreamRequest, Right::kPublish>,
    RpcRight<v1::SubscribeRequest, Right::kSubscribe>, RpcRight<v1::AcknowledgeRequest, Right::kSubscribe>,
    RpcRight<v1::RequestRequest, Right::kPublish>, RpcRight<v1::ReplyRequest, Right::kSubscribe>,
    // Registry.
    RpcRight<v1::ListNamespacesRequest, Right::kInspect>, RpcRight<v1::ListQueuesRequest, Right::kInspect>,
    RpcRight<v1::ListRoomsRequest, Right::kInspect>, RpcRight<v1::ListClientsRequest, Right::kInspect>,
    RpcRight<v1::ListSubscriptionsRequest, Right::kInspect>, RpcRight<v1::ListGroupsRequest, Right::kInspect>,
    RpcRight<v1::GetClientRequest, Right::kInspect>, RpcRight<v1::CountClientsRequest, Right::kInspect>,
    RpcRight<v1::ListMetricsRequest, Right::kInspect>, RpcRight<v1::WatchRequest, Right::kInspect>,
    RpcRight<v1::ExplainRequest, Right::kNone>,
    // Admin.
    RpcRight<v1::CreateNamespaceRequest, Right::kAdmin>, RpcRight<v1::UpdateNamespaceRequest, Right::kAdmin>,
    RpcRight<v1::DeleteNamespaceRequest, Right::kAdmin>, RpcRight<v1::CreateQueueRequest, Right::kAdmin>,
    RpcRight<v1::UpdateQueueRequest, Right::kAdmin>, RpcRight<v1::DeleteQueueRequest, Right::kAdmin>,
    RpcRight<v1::PurgeQueueRequest, Right::kAdmin>, RpcRight<v1::CreateGroupRequest, Right::kAdmin>,
    RpcRight<v1::DeleteGroupRequest, Right::kAdmin>, RpcRight<v1::PauseGroupRequest, Right::kAdmin>,
    RpcRight<v1::ResumeGroupRequest, Right::kAdmin>, RpcRight<v1::SeekGroupRequest, Right::kAdmin>,
    RpcRight<v1::RedriveDeadLettersRequest, Right::kAdmin>, RpcRight<v1::MoveClientsRequest, Right::kAdmin>,
    RpcRight<v1::DisconnectClientsRequest, Right::kAdmin>>;

template <typename Request>
constexpr Right RightOf() {
  return RpcRights::Of<Request>();
}

}  // namespace nmq

#endif  // NMQ_SERVER_CALL_RPC_RIGHTS_H_
