#ifndef NMQ_TESTS_BENCH_FLOOR_PREPARED_H_
#define NMQ_TESTS_BENCH_FLOOR_PREPARED_H_

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {

// Entries of Batch.messages as nmqd writes them, of the size that messages like the given one have there. Bytes is made
// of a string, which its copies share.
template <typename Bytes>
class Prepared {
 public:
  explicit Prepared(const nmq::v1::Message& published) {
    nmq::v1::Message message = published;
    message.clear_audience();
    message.set_id("hofxff2x7o-12345");
    message.set_sequence(12345);
    message.mutable_publish_time()->set_seconds(1700000000);
    message.mutable_publish_time()->set_nanos(123456789);
    nmq::v1::Batch batch;
    *batch.add_messages() = message;
    text_ = batch.SerializeAsString();
    payload_begin_ = message.payload().empty() ? 0 : text_.find(message.payload());
    payload_bytes_ = message.payload().size();
    std::string many;
    for (uint64_t i = 0; i < kMany; ++i) many += text_;
    one_ = Bytes(text_);
    many_ = Bytes(many);
  }

  // Messages of one frame, as nmqd has it on its way to one subscription.
  uint64_t messages_per_frame() const { return std::max<uint64_t>(1, kFrameBytes / text_.size()); }

  // Adds entries of that many messages, all alike.
  void Fill(uint64_t messages, std::vector<Bytes>* entries) const {
    for (; messages >= kMany; messages -= kMany) entries->push_back(many_);
    for (; messages > 0; --messages) entries->push_back(one_);
  }

  // What stands before entries of so many bytes in an encoded SubscribeResponse.
  static Bytes Head(size_t bytes) {
    // SubscribeResponse.batch
    uint8_t head[1 + kVarintMax] = {0x12};
    const uint8_t* const end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(bytes, head + 1);
    return Bytes(std::string(reinterpret_cast<const char*>(head), static_cast<size_t>(end - head)));
  }

  // With another payload of the same size; any other one is not taken.
  Bytes Entry(absl::string_view payload) const {
    if (payload.size() != payload_bytes_ || payload.empty()) return one_;
    std::string bytes = text_;
    bytes.replace(payload_begin_, payload_bytes_, payload.data(), payload.size());
    return Bytes(bytes);
  }

 private:
  static constexpr size_t kFrameBytes = 256 << 10;
  // Messages of one prepared piece.
  static constexpr uint64_t kMany = 100;
  // Bytes of the longest number in protobuf's encoding.
  static constexpr size_t kVarintMax = 10;

  std::string text_;
  Bytes one_;
  Bytes many_;
  size_t payload_begin_ = 0;
  size_t payload_bytes_ = 0;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_PREPARED_H_
