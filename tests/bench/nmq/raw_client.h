#ifndef NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_
#define NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_

#include <memory>

#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// The cheapest client that gRPC's C++ library allows: asynchronous streams of raw frames.
std::unique_ptr<Client> MakeRawClient(const Endpoint& endpoint);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_
