#ifndef NMQ_TESTS_BENCH_REDIS_REDIS_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_REDIS_REDIS_SUBSCRIBERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Subscribes by a connection for each subscriber.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeToRedis(const std::string& address, const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_REDIS_SUBSCRIBERS_H_
