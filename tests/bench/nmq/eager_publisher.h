#ifndef NMQ_TESTS_BENCH_NMQ_EAGER_PUBLISHER_H_
#define NMQ_TESTS_BENCH_NMQ_EAGER_PUBLISHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// Publishes as fast as answers and the throttle allow.
absl::StatusOr<std::unique_ptr<Publisher>> PublishRaw(const Endpoint& endpoint, const PublisherSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_EAGER_PUBLISHER_H_
