#ifndef NMQ_TESTS_BENCH_NATS_NATS_LINK_H_
#define NMQ_TESTS_BENCH_NATS_NATS_LINK_H_

#include <string>

#include "tests/bench/peers/publish_link.h"

namespace nmq::bench {

// Opens connections that publish. A message counts as accepted when libnats has it.
LinkOpener NatsLinks(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_LINK_H_
