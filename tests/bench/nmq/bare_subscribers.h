#ifndef NMQ_TESTS_BENCH_NMQ_BARE_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_NMQ_BARE_SUBSCRIBERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// Subscribes without gRPC's client, which needs more CPU for a delivery than a server on nghttp2: reads its wire where
// it was received, as SubscribeToNatsRaw does for nats-server. Returns when all subscriptions are live.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeBare(const Endpoint& endpoint, const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_BARE_SUBSCRIBERS_H_
