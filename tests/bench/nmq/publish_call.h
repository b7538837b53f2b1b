#ifndef NMQ_TESTS_BENCH_NMQ_PUBLISH_CALL_H_
#define NMQ_TESTS_BENCH_NMQ_PUBLISH_CALL_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace nmq::bench {

// Makes one Publish call of an encoded PublishRequest. `on_answer` comes on the thread that polls the queue, with how
// the call ended and when it was made, by Now().
void CallPublish(grpc::GenericStub* stub, grpc::CompletionQueue* queue, const grpc::ByteBuffer& request,
                 std::function<void(const absl::Status&, int64_t)> on_answer);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_PUBLISH_CALL_H_
