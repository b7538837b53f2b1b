#ifndef NMQ_TESTS_BENCH_NMQ_LIBRARY_SUBSCRIBERS_H_
#define NMQ_TESTS_BENCH_NMQ_LIBRARY_SUBSCRIBERS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Subscribes with the C++ client library. Returns when all subscriptions are live.
absl::StatusOr<std::unique_ptr<SubscriberSet>> SubscribeWithLibrary(const std::string& address,
                                                                    const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_LIBRARY_SUBSCRIBERS_H_
