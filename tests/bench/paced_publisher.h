#ifndef NMQ_TESTS_BENCH_PACED_PUBLISHER_H_
#define NMQ_TESTS_BENCH_PACED_PUBLISHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/client.h"
#include "tests/bench/connection.h"

namespace nmq::bench {

// Publishes single messages at an even pace, without a session. A payload carries the time just before its message is
// handed to gRPC, or would be if gRPC were not still busy with the one before.
absl::StatusOr<std::unique_ptr<Publisher>> PublishRawPaced(const Endpoint& endpoint, const PaceSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PACED_PUBLISHER_H_
