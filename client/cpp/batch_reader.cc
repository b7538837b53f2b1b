#include "client/cpp/batch_reader.h"

#include <cstddef>
#include <cstdint>

#include "google/protobuf/wire_format_lite.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr uint32_t TagOf(int field) { return static_cast<uint32_t>(field) << 3 | 2; }

}  // namespace

BatchReader::BatchReader(grpc::ByteBuffer* frame, std::string* scratch)
    : scratch_(scratch), bytes_(frame), stream_(&bytes_) {
  int length = 0;
  is_batch_ = bytes_.status().ok() && stream_.ReadTag() == TagOf(v1::SubscribeResponse::kBatchFieldNumber) &&
              stream_.ReadVarintSizeAsInt(&length) &&
              static_cast<size_t>(stream_.CurrentPosition()) + static_cast<size_t>(length) == frame->Length();
}

BatchReader::Step BatchReader::Next(absl::string_view* message) {
  while (true) {
    const uint32_t tag = stream_.ReadTag();
    if (tag == TagOf(v1::Batch::kMessagesFieldNumber)) return ReadMessage(message) ? Step::kMessage : Step::kBroken;
    if (tag == 0) return stream_.ConsumedEntireMessage() ? Step::kEnd : Step::kBroken;
    if (!WireFormatLite::SkipField(&stream_, tag)) return Step::kBroken;
  }
}

bool BatchReader::ReadMessage(absl::string_view* message) {
  int length;
  if (!stream_.ReadVarintSizeAsInt(&length)) return false;
  const void* data;
  int size;
  stream_.GetDirectBufferPointerInline(&data, &size);
  if (size >= length) {
    *message = absl::string_view(static_cast<const char*>(data), static_cast<size_t>(length));
    return stream_.Skip(length);
  }
  if (!stream_.ReadString(scratch_, length)) return false;
  *message = *scratch_;
  return true;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
