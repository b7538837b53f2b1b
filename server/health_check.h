#ifndef NMQ_SERVER_HEALTH_CHECK_H_
#define NMQ_SERVER_HEALTH_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace nmq {

// PEM files of a server that serves TLS, which is asked as its own client; without a certificate, in plain text.
struct HealthCheckTls {
  std::string certificate;
  std::string key;
};

// Asks the server that was told to listen on `listen` (HOST:PORT) for the health of `service`, of the whole if that is
// empty, by grpc.health.v1, on this machine: for container engines, which can only run a program, and for Kubernetes,
// whose own probes know no TLS. OK if it says SERVING within `patience`; else the error says, in one line, what it says
// instead, or why it cannot be asked. Thread-safe.
// With TLS, the server is on this machine, and its certificate's names are not looked at.
absl::Status CheckHealth(const std::string& listen, const std::string& service, const HealthCheckTls& tls,
                         absl::Duration patience);

}  // namespace nmq

#endif  // NMQ_SERVER_HEALTH_CHECK_H_
