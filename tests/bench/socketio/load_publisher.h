#ifndef NMQ_TESTS_BENCH_SOCKETIO_LOAD_PUBLISHER_H_
#define NMQ_TESTS_BENCH_SOCKETIO_LOAD_PUBLISHER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/socketio/load_process.h"

namespace nmq::bench {

absl::StatusOr<std::unique_ptr<Publisher>> PublishInLoad(std::shared_ptr<LoadProcess> load, const PublisherSpec& spec);
absl::StatusOr<std::unique_ptr<Publisher>> PublishPacedInLoad(std::shared_ptr<LoadProcess> load, const PaceSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_LOAD_PUBLISHER_H_
