#ifndef NMQ_SERVER_RPC_LISTEN_H_
#define NMQ_SERVER_RPC_LISTEN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace nmq::rpc {

// INVALID_ARGUMENT if `address` is not HOST:PORT.
absl::Status CheckAddress(const std::string& address);

// Whether only this machine reaches what listens on `address`, as far as its host can be looked up; true if it cannot.
bool IsLoopback(const std::string& address);

// Sockets that listen; the caller closes them. They do not block.
struct Listening {
  std::vector<int> sockets;  // at least one
  int port;                  // of all
};
// Listens on `address`, which is HOST:PORT, with port 0 on a free one: on each of the host's addresses that this
// machine has. UNAVAILABLE, reason CANNOT_LISTEN, if that is none: says why.
absl::StatusOr<Listening> Listen(const std::string& address);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_LISTEN_H_
