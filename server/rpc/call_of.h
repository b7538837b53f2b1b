#ifndef NMQ_SERVER_RPC_CALL_OF_H_
#define NMQ_SERVER_RPC_CALL_OF_H_

#include "server/call/call.h"
#include "server/call/rpc_rights.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// The call of the rpc with this request. One without a right does not compile.
template <typename Request>
Call CallOf(const Exchange& exchange) {
  Call call = exchange.CallWith(RightOf<Request>());
  call.principal = exchange.principal();
  call.request = &Request::descriptor;
  return call;
}

// The same once the request is gone, for asking again what the caller may do: without a peer and a deadline.
template <typename Request>
Call LaterCallOf(const Exchange& exchange) {
  Call call(RightOf<Request>(), Transport::kGrpc, "");
  call.principal = exchange.principal();
  call.request = &Request::descriptor;
  return call;
}

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_CALL_OF_H_
