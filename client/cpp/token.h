// ClientOptions.token, token_file and token_provider.
#ifndef NMQ_CLIENT_CPP_TOKEN_H_
#define NMQ_CLIENT_CPP_TOKEN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "client/cpp/options.h"
#include "grpcpp/support/client_interceptor.h"

namespace nmq {
inline namespace client {
namespace internal {

// The first line of a file, read again when the file has changed. Thread-safe.
class TokenFile {
 public:
  explicit TokenFile(std::string path) : path_(std::move(path)) {}

  // INVALID_ARGUMENT, which has nothing of it, if there is no token that can be shown.
  absl::StatusOr<std::string> Read() const;
  // The same; what was read before if it cannot be read now.
  std::string Token() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const std::string path_;
  Mutex mu_;  // a leaf
  std::string stamp_ ABSL_GUARDED_BY(mu_);
  std::string token_ ABSL_GUARDED_BY(mu_);
};

// OK if at most one of the three is set, and the first two can be shown: they are empty, or of printable ASCII without
// spaces. Else INVALID_ARGUMENT, which has nothing of them.
absl::Status CheckToken(const ClientOptions& options);

// What shows the token with each call of a channel, over plain text, too, where gRPC has no credentials; nothing if
// there is none.
std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> ShowToken(
    const ClientOptions& options);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_TOKEN_H_
