#include "server/rpc/frames.h"

#include <cstring>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"

namespace nmq::rpc {
namespace {

// Pieces at least this long are shared. A shared piece keeps a whole chunk of the queue in memory.
constexpr size_t kShareBytesMin = 8 << 10;

constexpr uint8_t kBatchTag = v1::SubscribeResponse::kBatchFieldNumber << 3 | 2;

void Unref(void* chunk) { static_cast<log::Chunk*>(chunk)->Unref(); }

grpc::Slice Share(log::ByteRange* range) {
  auto* bytes = const_cast<char*>(range->data());  // gRPC only reads it
  const size_t length = range->length;
  return grpc::Slice(bytes, length, &Unref, range->chunk.Release());
}

size_t WriteHeader(uint64_t size, uint8_t* out) {
  size_t at = 0;
  out[at++] = kBatchTag;
  for (; size >= 0x80; size >>= 7) out[at++] = static_cast<uint8_t>(size | 0x80);
  out[at++] = static_cast<uint8_t>(size);
  return at;
}

// Copies `ranges` behind `header`.
grpc::Slice Copy(const uint8_t* header, size_t header_size, const log::ByteRange* begin, const log::ByteRange* end) {
  size_t size = header_size;
  for (const log::ByteRange* range = begin; range != end; ++range) size += range->length;
  grpc_slice slice = grpc_slice_malloc(size);
  uint8_t* out = GRPC_SLICE_START_PTR(slice);
  memcpy(out, header, header_size);
  out += header_size;
  for (const log::ByteRange* range = begin; range != end; ++range) {
    memcpy(out, range->data(), range->length);
    out += range->length;
  }
  return grpc::Slice(slice, grpc::Slice::STEAL_REF);
}

}  // namespace

grpc::ByteBuffer EncodeBatch(broker::Delivery* delivery) {
  uint8_t header[11];
  size_t header_size = WriteHeader(delivery->bytes, header);
  absl::InlinedVector<grpc::Slice, 16> slices;
  log::ByteRange* at = delivery->ranges.data();
  log::ByteRange* const end = at + delivery->ranges.size();
  while (at != end || header_size > 0) {
    log::ByteRange* shared = at;
    while (shared != end && shared->length < kShareBytesMin) ++shared;
    if (shared != at || header_size > 0) slices.push_back(Copy(header, header_size, at, shared));
    header_size = 0;
    if (shared != end) slices.push_back(Share(shared++));
    at = shared;
  }
  delivery->ranges.clear();
  return grpc::ByteBuffer(slices.data(), slices.size());
}

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  grpc_slice slice = grpc_slice_malloc(size);
  message.SerializeWithCachedSizesToArray(GRPC_SLICE_START_PTR(slice));
  const grpc::Slice owned(slice, grpc::Slice::STEAL_REF);
  return grpc::ByteBuffer(&owned, 1);
}

grpc::Slice InOnePiece(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  // An empty buffer has no piece at all.
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) return grpc::Slice();
  return slice;
}

absl::Status Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message) {
  // The reader changes nothing of it.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&buffer));
  if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  return InvalidArgument("request", absl::StrCat("the bytes are no valid ", message->GetTypeName()));
}

}  // namespace nmq::rpc
