#include "tests/bench/floor/prepared.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <string>

namespace nmq::bench {
namespace {

constexpr size_t kFrameBytes = 256 << 10;
// Messages of one prepared slice.
constexpr uint64_t kMany = 100;
// Bytes of the longest number in protobuf's encoding.
constexpr size_t kVarintMax = 10;

}  // namespace

Prepared::Prepared(const nmq::v1::Message& published) {
  nmq::v1::Message message = published;
  message.clear_audience();
  message.set_id("hofxff2x7o-12345");
  message.set_sequence(12345);
  message.mutable_publish_time()->set_seconds(1700000000);
  message.mutable_publish_time()->set_nanos(123456789);
  nmq::v1::Batch batch;
  *batch.add_messages() = message;
  const std::string one = batch.SerializeAsString();
  payload_begin_ = message.payload().empty() ? 0 : one.find(message.payload());
  payload_bytes_ = message.payload().size();
  std::string many;
  for (uint64_t i = 0; i < kMany; ++i) many += one;
  one_ = grpc::Slice(one);
  many_ = grpc::Slice(many);
}

uint64_t Prepared::messages_per_frame() const { return std::max<uint64_t>(1, kFrameBytes / one_.size()); }

void Prepared::Fill(uint64_t messages, std::vector<grpc::Slice>* entries) const {
  for (; messages >= kMany; messages -= kMany) entries->push_back(many_);
  for (; messages > 0; --messages) entries->push_back(one_);
}

grpc::Slice Prepared::Head(size_t bytes) {
  // SubscribeResponse.batch
  uint8_t head[1 + kVarintMax] = {0x12};
  const uint8_t* const end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(bytes, head + 1);
  return grpc::Slice(head, static_cast<size_t>(end - head));
}

grpc::Slice Prepared::Entry(absl::string_view payload) const {
  if (payload.size() != payload_bytes_ || payload.empty()) return one_;
  std::string bytes(reinterpret_cast<const char*>(one_.begin()), one_.size());
  bytes.replace(payload_begin_, payload_bytes_, payload.data(), payload.size());
  return bytes;
}

}  // namespace nmq::bench
