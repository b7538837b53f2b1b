#ifndef NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_
#define NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_

#include <memory>

#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// How messages are received.
enum class Reading {
  // By gRPC's C++ library, as cheaply as it allows: asynchronous streams of raw frames.
  kGrpc,
  // By a reader of our own on nghttp2, which costs less.
  kBare,
};

// Publishes by gRPC's C++ library, as cheaply as it allows, and subscribes.
std::unique_ptr<Client> MakeRawClient(const Endpoint& endpoint, Reading reading = Reading::kGrpc);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_RAW_CLIENT_H_
