#ifndef NMQ_TESTS_BENCH_NATS_NATS_CONNECTION_H_
#define NMQ_TESTS_BENCH_NATS_NATS_CONNECTION_H_

#include <nats/nats.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace nmq::bench {

// How long anything may take, in milliseconds.
inline constexpr int64_t kNatsPatience = 20000;

template <typename T, void (*destroy)(T*)>
struct NatsDestroy {
  void operator()(T* thing) const { destroy(thing); }
};

// Closed when it goes.
using NatsConnection = std::unique_ptr<natsConnection, NatsDestroy<natsConnection, natsConnection_Destroy>>;

struct NatsConnectionOptions {
  // Publishing writes to the socket, instead of leaving that to a thread.
  bool send_at_once = false;
  // Messages come on the library's pool of threads, instead of a thread for each subscription.
  bool pooled_delivery = false;
};

// Before an address that is reached by TLS.
inline constexpr char kTlsScheme[] = "tls://";

// To HOST:PORT or tls://HOST:PORT. A connection that breaks is not made again: what was lost meanwhile would not be
// known.
absl::StatusOr<NatsConnection> OpenNatsConnection(const std::string& address, const NatsConnectionOptions& options);

// Whether the library has ever dropped a message of a subscription: for those who would ask each one.
bool NatsHasDropped();

// OK if it is NATS_OK.
absl::Status FromNats(natsStatus status, absl::string_view what);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_CONNECTION_H_
