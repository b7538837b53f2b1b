#ifndef NMQ_TESTS_BENCH_REDIS_REDIS_SYSTEM_H_
#define NMQ_TESTS_BENCH_REDIS_REDIS_SYSTEM_H_

#include <string>

#include "tests/bench/harness/system.h"

namespace nmq::bench {

// redis-server with hiredis; what it stores is in streams, synced before each reply. The server appends its log to the
// file `log`.
System RedisSystem(const std::string& log);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_REDIS_REDIS_SYSTEM_H_
