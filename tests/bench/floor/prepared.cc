#include "tests/bench/floor/prepared.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

constexpr size_t kFrameBytes = 256 << 10;
// Messages of one prepared slice.
constexpr uint64_t kMany = 100;

std::string Varint(uint64_t value) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream(&stream).WriteVarint64(value);
  return bytes;
}

// SubscribeResponse.batch with that many bytes in it.
grpc::Slice Head(size_t bytes) { return absl::StrCat("\x12", Varint(bytes)); }

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

grpc::ByteBuffer Prepared::Frame(uint64_t messages) const {
  std::vector<grpc::Slice> slices = {Head(messages * one_.size())};
  for (; messages >= kMany; messages -= kMany) slices.push_back(many_);
  for (; messages > 0; --messages) slices.push_back(one_);
  return grpc::ByteBuffer(slices.data(), slices.size());
}

grpc::ByteBuffer Prepared::FrameOf(const std::vector<grpc::Slice>& entries) {
  size_t bytes = 0;
  for (const grpc::Slice& entry : entries) bytes += entry.size();
  std::vector<grpc::Slice> slices = {Head(bytes)};
  slices.insert(slices.end(), entries.begin(), entries.end());
  return grpc::ByteBuffer(slices.data(), slices.size());
}

grpc::Slice Prepared::Entry(absl::string_view payload) const {
  if (payload.size() != payload_bytes_ || payload.empty()) return one_;
  std::string bytes(reinterpret_cast<const char*>(one_.begin()), one_.size());
  bytes.replace(payload_begin_, payload_bytes_, payload.data(), payload.size());
  return bytes;
}

}  // namespace nmq::bench
