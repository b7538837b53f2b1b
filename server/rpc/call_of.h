#ifndef NMQ_SERVER_RPC_CALL_OF_H_
#define NMQ_SERVER_RPC_CALL_OF_H_

#include "base/clock.h"
#include "grpcpp/server_context.h"
#include "server/call/call.h"
#include "server/call/rpc_rights.h"

namespace nmq::rpc {

// What `context` says of a call that needs `right`.
Call CallWith(Right right, const grpc::ServerContext& context, const Clock& clock);

// The same for the rpc with this request. One without a right does not compile.
template <typename Request>
Call CallOf(const grpc::ServerContext& context, const Clock& clock) {
  return CallWith(RightOf<Request>(), context, clock);
}

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_CALL_OF_H_
