#ifndef NMQ_SERVER_RPC_REQUEST_METHOD_H_
#define NMQ_SERVER_RPC_REQUEST_METHOD_H_

#include "absl/time/time.h"
#include "server/broker/broker.h"
#include "server/rpc/loop.h"

namespace nmq::rpc {

// The method Request on one loop, and the timer by which questions end when their time is over. On the loop's thread
// only, but for the constructor.
class RequestMethod {
 public:
  // Makes `loop`, which has not started, serve it. All must outlive this, and this the loop's thread.
  RequestMethod(broker::Broker* broker, Loop* loop);
  RequestMethod(const RequestMethod&) = delete;
  RequestMethod& operator=(const RequestMethod&) = delete;

 private:
  void OnTime();
  // Sets the timer for the question whose time is over next, whichever loop it came in through.
  void SetTimer();

  broker::Broker* const broker_;
  Loop* const loop_;
  Loop::Timer timer_;
  absl::Duration due_;  // when the timer is set for, if it is
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_REQUEST_METHOD_H_
