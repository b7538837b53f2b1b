// Where a server is, as people write it.
#ifndef NMQ_CLIENT_CPP_ADDRESS_H_
#define NMQ_CLIENT_CPP_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq {
inline namespace client {
namespace internal {

struct ServerAddress {
  // What gRPC calls the server.
  std::string target;
  bool tls = false;

  // One spelling for all of the same server, which can be read again.
  std::string Text() const;
};

// Reads HOST:PORT; a HOST, with the port 50051; IPv6, with a port in brackets; http://HOST:PORT; https://HOST:PORT,
// which asks for TLS; or a target with a scheme that gRPC knows, such as unix:PATH. INVALID_ARGUMENT has the text, what
// is wrong with it and what one looks like. Thread-safe.
absl::StatusOr<ServerAddress> ParseAddress(absl::string_view server);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_ADDRESS_H_
