#include "server/frame/frame.h"

#include "nmq/v1/message_queue.pb.h"

namespace nmq {
namespace {

constexpr char kBatchTag = v1::SubscribeResponse::kBatchFieldNumber << 3 | 2;

}  // namespace

Frame::Frame(const google::protobuf::MessageLite& message) {
  head_.resize(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(head_.data()));
}

Frame::Frame(std::vector<log::ByteRange> ranges, size_t bytes) : ranges_(std::move(ranges)), range_bytes_(bytes) {
  head_.push_back(kBatchTag);
  for (; bytes >= 0x80; bytes >>= 7) head_.push_back(static_cast<char>(bytes | 0x80));
  head_.push_back(static_cast<char>(bytes));
}

}  // namespace nmq
