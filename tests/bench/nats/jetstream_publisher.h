#ifndef NMQ_TESTS_BENCH_NATS_JETSTREAM_PUBLISHER_H_
#define NMQ_TESTS_BENCH_NATS_JETSTREAM_PUBLISHER_H_

#include <string>

#include "tests/bench/peers/storing_publisher.h"

namespace nmq::bench {

// Opens connections that publish to JetStream: js_Publish if one message may wait for its answer, js_PublishAsync if
// several may.
StoreLinkOpener JetStreamLinks(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_JETSTREAM_PUBLISHER_H_
