#include "client/cpp/wire.h"

#include <cstddef>
#include <cstdint>

#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace nmq {
inline namespace client {
namespace internal {

namespace {

grpc::Slice EncodeSlice(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  grpc_slice slice = grpc_slice_malloc(size);
  message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  return grpc::Slice(slice, grpc::Slice::STEAL_REF);
}

}  // namespace

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice = EncodeSlice(message);
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer EncodeWith(const google::protobuf::MessageLite& message, const grpc::Slice& rest) {
  const grpc::Slice slices[] = {EncodeSlice(message), rest};
  return grpc::ByteBuffer(slices, 2);
}

bool Decode(grpc::ByteBuffer* buffer, google::protobuf::MessageLite* message) {
  // gRPC's reader takes no buffer that was never filled.
  if (!buffer->Valid()) return message->ParseFromArray(nullptr, 0);
  grpc::ProtoBufferReader reader(buffer);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
