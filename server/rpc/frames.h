#ifndef NMQ_SERVER_RPC_FRAMES_H_
#define NMQ_SERVER_RPC_FRAMES_H_

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "server/frame/frame.h"

namespace nmq::rpc {

// The encoder for gRPC: what its streams write.
grpc::ByteBuffer ToByteBuffer(Frame frame);

// The bytes of `buffer`, copied only if they are in several pieces.
grpc::Slice InOnePiece(const grpc::ByteBuffer& buffer);

// INVALID_ARGUMENT if `buffer` is no such message.
absl::Status Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_FRAMES_H_
