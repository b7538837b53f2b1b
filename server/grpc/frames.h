#ifndef NMQ_SERVER_GRPC_FRAMES_H_
#define NMQ_SERVER_GRPC_FRAMES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "server/frame/frame.h"
#include "server/rpc/exchange.h"

namespace nmq::rpc {

// The encoder for gRPC: what its streams write.
grpc::ByteBuffer ToByteBuffer(Frame frame);

// A message of a request as gRPC has it, which must outlive this.
class GrpcRequestBytes final : public RequestBytes {
 public:
  explicit GrpcRequestBytes(const grpc::ByteBuffer* buffer) : buffer_(*buffer) {}
  size_t size() const override { return buffer_.Length(); }
  absl::string_view InOnePiece() const override;
  absl::Status Decode(google::protobuf::MessageLite* message) const override;

 private:
  const grpc::ByteBuffer& buffer_;
  mutable grpc::Slice piece_;
};

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_GRPC_FRAMES_H_
