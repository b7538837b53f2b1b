#ifndef NMQ_TESTS_BENCH_NATS_RAW_NATS_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_NATS_RAW_NATS_SUBSCRIBERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Subscribes without libnats, which needs more CPU for a message than the server: reads the protocol where it was
// received, and only looks at the stamp of each payload.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToNatsRaw(const std::string& address,
                                                                  const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_RAW_NATS_SUBSCRIBERS_H_
