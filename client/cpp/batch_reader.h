// Walks through a batch of messages as gRPC received it.
#ifndef NMQ_CLIENT_CPP_BATCH_READER_H_
#define NMQ_CLIENT_CPP_BATCH_READER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"

namespace nmq {
inline namespace client {
namespace internal {

// Finds the messages of an encoded SubscribeResponse without parsing them. Not thread-safe.
class BatchReader {
 public:
  enum class Step {
    kMessage,
    kEnd,
    // What follows is no batch.
    kBroken,
  };

  // Both must outlive this. Messages that lie in several pieces are put together in `scratch`.
  BatchReader(grpc::ByteBuffer* frame, std::string* scratch);

  // The frame is one batch and nothing else, as the server writes it. If not, it may still be one in another way of
  // writing it; do not call Next() then.
  bool is_batch() const { return is_batch_; }

  // For kMessage, `message` is set to an encoded Message and valid until the next call.
  Step Next(absl::string_view* message);

 private:
  bool ReadMessage(absl::string_view* message);

  std::string* const scratch_;
  grpc::ProtoBufferReader bytes_;
  google::protobuf::io::CodedInputStream stream_;
  bool is_batch_;
};

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_BATCH_READER_H_
