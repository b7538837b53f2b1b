#ifndef NMQ_TESTS_BENCH_NATS_JETSTREAM_CLIENT_H_
#define NMQ_TESTS_BENCH_NATS_JETSTREAM_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Stores and reads messages in JetStream, with libnats, at a server's HOST:PORT. The queue's stream must be there.
std::unique_ptr<Client> MakeJetStreamClient(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_JETSTREAM_CLIENT_H_
