#ifndef NMQ_SERVER_RPC_CALL_OF_H_
#define NMQ_SERVER_RPC_CALL_OF_H_

#include "server/call/call.h"
#include "server/call/rpc_rights.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// The call of the rpc with this request. One without a right does not compile.
template <typename Request>
Call CallOf(const Exchange& exchange) {
  return exchange.CallWith(RightOf<Request>());
}

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_CALL_OF_H_
