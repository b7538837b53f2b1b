// The messages of a batch to publish, encoded as they come.
#ifndef NMQ_CLIENT_CPP_ENCODED_MESSAGES_H_
#define NMQ_CLIENT_CPP_ENCODED_MESSAGES_H_

#include <cstddef>

#include "client/cpp/options.h"
#include "grpcpp/support/slice.h"

namespace nmq {
inline namespace client {
namespace internal {

// The field `messages` of a PublishStreamRequest. Not thread-safe.
class EncodedMessages {
 public:
  // Memory for `expected` bytes is taken at once.
  explicit EncodedMessages(size_t expected) : expected_(expected) {}

  // How many bytes a message of that many bytes adds.
  static size_t EntryBytes(size_t message_bytes);

  // `message_bytes` is what message.ByteSizeLong() returned just before.
  void Add(const Message& message, size_t message_bytes);

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  size_t bytes() const { return bytes_; }

  // The encoded messages, which are not copied: none may be added afterwards.
  grpc::Slice Share() const { return buffer_.sub(0, bytes_); }

 private:
  void Reserve(size_t bytes);

  const size_t expected_;
  grpc::Slice buffer_;
  size_t bytes_ = 0;
  size_t count_ = 0;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_ENCODED_MESSAGES_H_
