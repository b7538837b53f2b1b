#ifndef NMQ_TESTS_BENCH_PUBLISH_ANSWERS_H_
#define NMQ_TESTS_BENCH_PUBLISH_ANSWERS_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace nmq::bench {

// How many messages an encoded PublishStreamResponse says were accepted; what it says instead if the batch was refused.
absl::StatusOr<uint64_t> ReadStreamAnswer(const grpc::ByteBuffer& answer);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PUBLISH_ANSWERS_H_
