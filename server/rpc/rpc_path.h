#ifndef NMQ_SERVER_RPC_RPC_PATH_H_
#define NMQ_SERVER_RPC_RPC_PATH_H_

#include <string>

#include "google/protobuf/descriptor.h"

namespace nmq::rpc {

// The path of the rpc with this full name, such as "nmq.v1.MessageQueue.Join". Dies if there is none, or if it has
// other types than these: what serves an rpc is registered before the server starts, and must fit.
std::string PathOf(const char* full_name, const google::protobuf::Descriptor* request,
                   const google::protobuf::Descriptor* response);

template <typename Request, typename Response>
std::string RpcPath(const char* full_name) {
  return PathOf(full_name, Request::descriptor(), Response::descriptor());
}

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_RPC_PATH_H_
