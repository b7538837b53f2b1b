// ClientOptions.token.
#ifndef NMQ_CLIENT_CPP_TOKEN_H_
#define NMQ_CLIENT_CPP_TOKEN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/support/client_interceptor.h"

namespace nmq {
inline namespace client {
namespace internal {

// OK if `token` can be shown: it is empty, or of printable ASCII without spaces. Else INVALID_ARGUMENT, which has
// nothing of it.
absl::Status CheckToken(const std::string& token);

// What shows `token` with each call of a channel, over plain text, too, where gRPC has no credentials; nothing if it is
// empty.
std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> ShowToken(const std::string& token);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_TOKEN_H_
