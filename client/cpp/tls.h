// The address and the files of ClientOptions, which say where the server is and whether to speak TLS.
#ifndef NMQ_CLIENT_CPP_TLS_H_
#define NMQ_CLIENT_CPP_TLS_H_

#include "absl/status/status.h"
#include "client/cpp/options.h"

namespace nmq {
inline namespace client {
namespace internal {

// Makes the server what gRPC calls it, and sets credentials by what the files have, unless they are set, or no file is
// named and the address does not ask for TLS. INVALID_ARGUMENT says what is wrong with the address, or which file is
// missing, cannot be read, has not what it should, or does not go with the other one.
absl::Status UseTls(ClientOptions* options);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_TLS_H_
