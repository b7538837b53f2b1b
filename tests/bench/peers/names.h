#ifndef NMQ_TESTS_BENCH_PEERS_NAMES_H_
#define NMQ_TESTS_BENCH_PEERS_NAMES_H_

#include <string>
#include <vector>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// How a system that knows nothing but named channels carries queues: QUEUE.EVENT, or QUEUE.room.ROOM for a room.
std::vector<std::string> NamesOf(const std::string& queue, const std::vector<Destination>& destinations);

// What a subscriber with this interest subscribes to: each of its rooms, or each of its events if it is in none. No
// event is the one that a destination has by default, so that nobody pays for a wildcard which matches one channel.
std::vector<std::string> NamesOf(const std::string& queue, const Interest& interest);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_NAMES_H_
