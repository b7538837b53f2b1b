#ifndef NMQ_SERVER_HEALTH_CHECK_H_
#define NMQ_SERVER_HEALTH_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace nmq {

// Asks the server that was told to listen on `listen` (HOST:PORT) for its health, grpc.health.v1, on this machine: for
// container engines, which can only run a program. OK if it says SERVING within `patience`; else the error says, in one
// line, what it says instead, or why it cannot be asked. Thread-safe.
absl::Status CheckHealth(const std::string& listen, absl::Duration patience);

}  // namespace nmq

#endif  // NMQ_SERVER_HEALTH_CHECK_H_
