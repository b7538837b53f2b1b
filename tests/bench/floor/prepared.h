#ifndef NMQ_TESTS_BENCH_FLOOR_PREPARED_H_
#define NMQ_TESTS_BENCH_FLOOR_PREPARED_H_

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
  // Adds entries of that many messages, all alike.
  void Fill(uint64_t messages, std::vector<grpc::Slice>* entries) const;
  // What stands before entries of so many bytes in an encoded SubscribeResponse.
  static grpc::Slice Head(size_t bytes);
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
