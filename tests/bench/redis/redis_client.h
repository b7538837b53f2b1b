#ifndef NMQ_TESTS_BENCH_REDIS_REDIS_CLIENT_H_
#define NMQ_TESTS_BENCH_REDIS_REDIS_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Publishes and subscribes at a server's HOST:PORT; hiredis reads what it says.
std::unique_ptr<Client> MakeRedisClient(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_REDIS_CLIENT_H_
