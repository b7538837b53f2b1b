#include <gtest/gtest.h>

#include "tests/bench/redis/redis_system.h"
#include "tests/unit/bench/storing_client_facts.h"

namespace nmq::bench {
namespace {

INSTANTIATE_TEST_SUITE_P(Redis, StoringClient, testing::Values(&RedisSystem));

}  // namespace
}  // namespace nmq::bench
