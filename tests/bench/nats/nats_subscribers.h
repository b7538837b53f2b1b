#ifndef NMQ_TESTS_BENCH_NATS_NATS_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_NATS_NATS_SUBSCRIBERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Subscribes with libnats' asynchronous subscriptions, one for each subscriber and subject.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToNats(const std::string& address, const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_SUBSCRIBERS_H_
