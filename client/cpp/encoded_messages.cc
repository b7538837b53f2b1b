#include "client/cpp/encoded_messages.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "google/protobuf/io/coded_stream.h"
#include "grpc/slice.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr uint32_t kTag = v1::PublishStreamRequest::kMessagesFieldNumber << 3 | 2;

// gRPC never writes to a slice, so what nobody else has yet may be written.
uint8_t* Writable(const grpc::Slice& slice) { return const_cast<uint8_t*>(slice.begin()); }

}  // namespace

size_t EncodedMessages::EntryBytes(size_t message_bytes) {
  return 1 + CodedOutputStream::VarintSize64(message_bytes) + message_bytes;
}

void EncodedMessages::Add(const Message& message, size_t message_bytes) {
  const size_t entry = EntryBytes(message_bytes);
  if (bytes_ + entry > buffer_.size()) Reserve(bytes_ + entry);
  uint8_t* out = CodedOutputStream::WriteTagToArray(kTag, Writable(buffer_) + bytes_);
  out = CodedOutputStream::WriteVarint64ToArray(message_bytes, out);
  message.SerializeWithCachedSizesToArray(out);
  bytes_ += entry;
  ++count_;
}

void EncodedMessages::Reserve(size_t bytes) {
  const size_t capacity = std::max({bytes, 2 * buffer_.size(), expected_});
  // Never in the slice object itself, which moves.
  grpc::Slice larger(grpc_slice_malloc_large(capacity), grpc::Slice::STEAL_REF);
  if (bytes_ > 0) memcpy(Writable(larger), buffer_.begin(), bytes_);
  buffer_ = larger;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
