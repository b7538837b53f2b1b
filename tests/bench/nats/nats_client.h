#ifndef NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_
#define NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Publishes and subscribes with libnats at a server's HOST:PORT.
std::unique_ptr<Client> MakeNatsClient(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_CLIENT_H_
