#ifndef NMQ_TESTS_BENCH_STREAM_PUBLISHER_H_
#define NMQ_TESTS_BENCH_STREAM_PUBLISHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/client.h"
#include "tests/bench/connection.h"

namespace nmq::bench {

// Publishes batches on one PublishStream, without a session, as fast as the window and the lag of the subscribers
// allow.
absl::StatusOr<std::unique_ptr<Publisher>> PublishRaw(const Endpoint& endpoint, const PublisherSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_STREAM_PUBLISHER_H_
