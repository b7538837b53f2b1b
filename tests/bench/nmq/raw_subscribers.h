#ifndef NMQ_TESTS_BENCH_NMQ_RAW_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_NMQ_RAW_SUBSCRIBERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// Subscribes over gRPC's asynchronous interface and reads raw frames, which costs as little as a gRPC client can.
// Returns when all subscriptions are live.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeRaw(const Endpoint& endpoint, const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_RAW_SUBSCRIBERS_H_
