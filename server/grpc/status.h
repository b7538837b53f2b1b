#ifndef NMQ_SERVER_GRPC_STATUS_H_
#define NMQ_SERVER_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace nmq::rpc {

// The one place where a status becomes a gRPC status: same code and text, payloads as google.rpc.Status details.
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_STATUS_H_
