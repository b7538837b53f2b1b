#ifndef NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_
#define NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// How messages are received.
enum class NatsReading {
  // With libnats' subscriptions.
  kLibrary,
  // By a reader of our own, which costs less.
  kRaw,
};

// Publishes with libnats at a server's HOST:PORT, and subscribes.
std::unique_ptr<Client> MakeNatsClient(const std::string& address, NatsReading reading);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_
