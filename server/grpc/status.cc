#include "server/grpc/status.h"

#include <string>

#include "base/errors.h"
#include "google/rpc/status.pb.h"

namespace nmq::rpc {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  ToProto(status, &details);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                      details.SerializeAsString());
}

}  // namespace nmq::rpc
