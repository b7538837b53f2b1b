#ifndef NMQ_SERVER_RPC_FRAMES_H_
#define NMQ_SERVER_RPC_FRAMES_H_

#include "absl/status/status.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/queue/delivery.h"

namespace nmq::rpc {

// A SubscribeResponse with the messages of `delivery` as its batch. Long pieces are shared with the queue, short ones
// copied: so what a subscriber does not take keeps little else alive. Uses `delivery` up.
grpc::ByteBuffer EncodeBatch(broker::Delivery* delivery);

// A message in its wire form.
grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message);

// The bytes of `buffer`, copied only if they are in several pieces.
grpc::Slice InOnePiece(const grpc::ByteBuffer& buffer);

// INVALID_ARGUMENT if `buffer` is no such message.
absl::Status Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message);

}  // namespace nmq::rpc

#endif  // NMQ_SERVER_RPC_FRAMES_H_
