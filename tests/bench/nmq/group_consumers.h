#ifndef NMQ_TESTS_BENCH_NMQ_GROUP_CONSUMERS_H_
#define NMQ_TESTS_BENCH_NMQ_GROUP_CONSUMERS_H_

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

// Client::Consume() by the members of a new group, each with a connection and a thread. What comes in one frame is
// acknowledged by one call; reading goes on meanwhile.
absl::StatusOr<Consumption> ConsumeInGroup(const Endpoint& endpoint, const ConsumerSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_GROUP_CONSUMERS_H_
