#ifndef NMQ_SERVER_RPC_REQUEST_METHOD_H_
#define NMQ_SERVER_RPC_REQUEST_METHOD_H_

#include "absl/time/time.h"
#include "server/broker/broker.h"
#include "server/rpc/deferred_call.h"
#include "server/rpc/grpc_loop.h"
#include "server/rpc/services.h"

namespace nmq::rpc {

// The method Request on one loop, and the timer by which questions end when their time is over. On the loop's thread
// only, but for Serve, which comes before the loop starts.
class RequestMethod {
 public:
  // All must outlive this, and this the loop's thread.
  RequestMethod(broker::Broker* broker, MessageQueueService* service, GrpcLoop* loop);
  RequestMethod(const RequestMethod&) = delete;
  RequestMethod& operator=(const RequestMethod&) = delete;

  // Waits for `count` calls at a time.
  void Serve(int count) { Deferred::Serve(&method_, loop_, count); }

 private:
  using Deferred = DeferredCall<MessageQueueService, v1::RequestRequest, v1::RequestResponse>;

  void OnTime();
  // Sets the timer for the question whose time is over next, whichever loop it came in through.
  void SetTimer();

  broker::Broker* const broker_;
  GrpcLoop* const loop_;
  const Deferred::Method method_;
  GrpcLoop::Timer timer_;
  absl::Duration due_;  // when the timer is set for, if it is
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_REQUEST_METHOD_H_
