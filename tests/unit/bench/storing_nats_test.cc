#include <gtest/gtest.h>

#include "tests/bench/nats/nats_system.h"
#include "tests/unit/bench/storing_client_facts.h"

namespace nmq::bench {
namespace {

INSTANTIATE_TEST_SUITE_P(Nats, StoringClient, testing::Values(&NatsSystem));

}  // namespace
}  // namespace nmq::bench
