#ifndef NMQ_TESTS_BENCH_SOCKETIO_LOAD_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_SOCKETIO_LOAD_SUBSCRIBERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/socketio/load_process.h"

namespace nmq::bench {

// More subscribers than this, if they want everything, share `SubscriberSpec::connections`, and hear nothing.
inline constexpr int kMaxSubscriberSockets = 2000;

absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeInLoad(std::shared_ptr<LoadProcess> load,
                                                               const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_LOAD_SUBSCRIBERS_H_
