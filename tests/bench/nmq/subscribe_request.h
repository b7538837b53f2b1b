#ifndef NMQ_TESTS_BENCH_NMQ_SUBSCRIBE_REQUEST_H_
#define NMQ_TESTS_BENCH_NMQ_SUBSCRIBE_REQUEST_H_

#include <string>

#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/nmq/connection.h"
#include "tests/bench/nmq/heard_stream.h"

namespace nmq::bench {

// What a set's subscriber of this number asks for.
nmq::v1::SubscribeRequest SubscribeRequestOf(const SubscriberSpec& spec, int subscriber, const std::string& session);

// How a set's subscribers look at what they hear from there.
HearingManner MannerOf(const Endpoint& endpoint, const SubscriberSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_SUBSCRIBE_REQUEST_H_
