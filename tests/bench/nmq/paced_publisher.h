#ifndef NMQ_TESTS_BENCH_NMQ_PACED_PUBLISHER_H_
#define NMQ_TESTS_BENCH_NMQ_PACED_PUBLISHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// Publishes single messages at an even pace.
absl::StatusOr<std::unique_ptr<Publisher>> PublishRawPaced(const Endpoint& endpoint, const PaceSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_PACED_PUBLISHER_H_
