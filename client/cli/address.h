// Where a server is, as people write it.
#ifndef NMQ_CLIENT_CLI_ADDRESS_H_
#define NMQ_CLIENT_CLI_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nmq {
namespace cli {

// Why `server` is no address, in a few words that say what one looks like; empty if it is HOST:PORT, or a target with a
// scheme that gRPC knows. Thread-safe.
std::string WhyNoAddress(absl::string_view server);

}  // namespace cli
}  // namespace nmq

#endif  // NMQ_CLIENT_CLI_ADDRESS_H_
