#include "server/grpc/frames.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace nmq::rpc {
namespace {

void Unref(void* chunk) { static_cast<log::Chunk*>(chunk)->Unref(); }

grpc::Slice Share(log::ByteRange range) {
  auto* bytes = const_cast<char*>(range.data());  // gRPC only reads it
  const size_t length = range.length;
  return grpc::Slice(bytes, length, &Unref, range.chunk.Release());
}

}  // namespace

grpc::ByteBuffer ToByteBuffer(Frame frame) {
  absl::InlinedVector<grpc::Slice, 16> slices;
  frame.Encode(
      [&](size_t size) {
        grpc_slice slice = grpc_slice_malloc(size);
        slices.push_back(grpc::Slice(slice, grpc::Slice::STEAL_REF));
        // A short one is in the slice itself.
        return reinterpret_cast<char*>(const_cast<uint8_t*>(slices.back().begin()));
      },
      [&](log::ByteRange&& range) { slices.push_back(Share(std::move(range))); });
  return grpc::ByteBuffer(slices.data(), slices.size());
}

absl::string_view GrpcRequestBytes::InOnePiece() const {
  // An empty buffer has no piece at all.
  if (!buffer_.TrySingleSlice(&piece_).ok() && !buffer_.DumpToSingleSlice(&piece_).ok()) return "";
  return absl::string_view(reinterpret_cast<const char*>(piece_.begin()), piece_.size());
}

absl::Status GrpcRequestBytes::Decode(google::protobuf::MessageLite* message) const {
  // The reader changes nothing of it.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&buffer_));
  if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  return NotDecoded(*message);
}

}  // namespace nmq::rpc
