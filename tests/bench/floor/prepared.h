#ifndef NMQ_TESTS_BENCH_FLOOR_PREPARED_H_
#define NMQ_TESTS_BENCH_FLOOR_PREPARED_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {

// Entries of Batch.messages as nmqd writes them, of the size that messages like the given one have there.
class Prepared {
 public:
  explicit Prepared(const nmq::v1::Message& published);

  // Messages of one frame, as nmqd has it on its way to one subscription.
  uint64_t messages_per_frame() const;
  // A frame with that many messages, all alike.
  grpc::ByteBuffer Frame(uint64_t messages) const;
  // A frame with these, each of which is Entry()'s.
  static grpc::ByteBuffer FrameOf(const std::vector<grpc::Slice>& entries);
  // With another payload of the same size; any other one is not taken.
  grpc::Slice Entry(absl::string_view payload) const;

 private:
  grpc::Slice one_;
  grpc::Slice many_;
  size_t payload_begin_ = 0;
  size_t payload_bytes_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_PREPARED_H_
