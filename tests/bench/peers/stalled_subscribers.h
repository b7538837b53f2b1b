#ifndef NMQ_TESTS_BENCH_PEERS_STALLED_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_PEERS_STALLED_SUBSCRIBERS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Opens a connection for each subscriber, says what `greeting` returns by its number, reads until the server has said
// `confirmation`, and never again.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeStalled(const std::string& address, int subscribers,
                                                                const std::function<std::string(int)>& greeting,
                                                                const std::string& confirmation);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_STALLED_SUBSCRIBERS_H_
