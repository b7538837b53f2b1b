#ifndef NMQ_SERVER_RPC_SERVICES_H_
#define NMQ_SERVER_RPC_SERVICES_H_

#include "nmq/v1/admin.grpc.pb.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "nmq/v1/registry.grpc.pb.h"
#include "server/rpc/received_methods.h"

namespace nmq::rpc {

// The services as they are served here: all through completion queues; the two streams that carry messages as bytes. Of
// methods whose requests may be large, the server decides when it receives them.
class MessageQueueService final
    : public ReceivedMethods<v1::MessageQueue::WithAsyncMethod_Connect<
          v1::MessageQueue::WithAsyncMethod_Disconnect<v1::MessageQueue::WithAsyncMethod_Join<
              v1::MessageQueue::WithAsyncMethod_Leave<v1::MessageQueue::WithRawMethod_PublishStream<
                  v1::MessageQueue::WithRawMethod_Subscribe<v1::MessageQueue::Service>>>>>>> {
 public:
  const int publish = Receive("nmq.v1.MessageQueue.Publish");
  const int acknowledge = Receive("nmq.v1.MessageQueue.Acknowledge");
  const int request = Receive("nmq.v1.MessageQueue.Request");
  const int reply = Receive("nmq.v1.MessageQueue.Reply");
};
using RegistryService = v1::Registry::WithAsyncMethod_ListNamespaces<
    v1::Registry::WithAsyncMethod_ListQueues<v1::Registry::WithAsyncMethod_ListRooms<
        v1::Registry::WithAsyncMethod_ListClients<v1::Registry::WithAsyncMethod_ListSubscriptions<
            v1::Registry::WithAsyncMethod_ListGroups<v1::Registry::WithAsyncMethod_GetClient<
                v1::Registry::WithAsyncMethod_CountClients<v1::Registry::WithAsyncMethod_ListMetrics<
                    v1::Registry::WithRawMethod_Watch<v1::Registry::Service>>>>>>>>>>;
using AdminService = v1::Admin::AsyncService;

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_SERVICES_H_
