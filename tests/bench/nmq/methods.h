#ifndef NMQ_TESTS_BENCH_NMQ_METHODS_H_
#define NMQ_TESTS_BENCH_NMQ_METHODS_H_

namespace nmq::bench {

// Full names of rpcs, as they are on the wire.
inline constexpr char kPublishMethod[] = "/nmq.v1.MessageQueue/Publish";
inline constexpr char kPublishStreamMethod[] = "/nmq.v1.MessageQueue/PublishStream";
inline constexpr char kSubscribeMethod[] = "/nmq.v1.MessageQueue/Subscribe";

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_METHODS_H_
