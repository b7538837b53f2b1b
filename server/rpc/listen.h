#ifndef NMQ_SERVER_RPC_LISTEN_H_
#define NMQ_SERVER_RPC_LISTEN_H_

#include <string>

#include "absl/status/status.h"

namespace nmq::rpc {

// INVALID_ARGUMENT if `address` is not HOST:PORT.
absl::Status CheckAddress(const std::string& address);

// Whether only this machine reaches what listens on `address`, as far as its host can be looked up; true if it cannot.
bool IsLoopback(const std::string& address);

// Why `address` cannot be listened on, found out by trying, since gRPC only says that it cannot. Never OK.
absl::Status ExplainListenFailure(const std::string& address);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_LISTEN_H_
