// Messages and gRPC's buffers.
#ifndef NMQ_CLIENT_CPP_WIRE_H_
#define NMQ_CLIENT_CPP_WIRE_H_

#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace nmq {
inline namespace client {
namespace internal {

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message);

// As if `rest`, fields of the same message, had been encoded with it. Does not copy `rest`.
grpc::ByteBuffer EncodeWith(const google::protobuf::MessageLite& message, const grpc::Slice& rest);

// False if `buffer`, which keeps its bytes, is no such message.
bool Decode(grpc::ByteBuffer* buffer, google::protobuf::MessageLite* message);

}  // namespace internal
}  // namespace client
}  // namespace nmq

#endif  // NMQ_CLIENT_CPP_WIRE_H_
