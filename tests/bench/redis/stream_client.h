#ifndef NMQ_TESTS_BENCH_REDIS_STREAM_CLIENT_H_
#define NMQ_TESTS_BENCH_REDIS_STREAM_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Stores and reads messages in Redis' streams, one for each queue, at a server's HOST:PORT.
std::unique_ptr<Client> MakeRedisStreamClient(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_STREAM_CLIENT_H_
