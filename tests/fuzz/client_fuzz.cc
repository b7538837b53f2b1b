// Frames of a subscription, read by hand, against Protocol Buffers' own parser.
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/support/byte_buffer.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "client/cpp/batch_reader.h"
#include "client/cpp/message_decoder.h"
#include "glog/logging.h"
#include "nmq/v1/message_queue.pb.h"

namespace {

using nmq::client::internal::BatchReader;
using nmq::client::internal::MessageDecoder;

// In pieces of this size, as a network may bring it.
grpc::ByteBuffer Frame(const std::string& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) slices.emplace_back(bytes.substr(at, piece));
  return {slices.data(), slices.size()};
}

bool IsUtf8(const nmq::v1::Message& message) {
  nmq::v1::Message again;
  return again.ParseFromString(message.SerializeAsString());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  grpc::ByteBuffer frame = Frame(bytes, static_cast<size_t>(data[0]) + 1);
  std::string scratch;
  BatchReader reader(&frame, &scratch);
  nmq::v1::SubscribeResponse response;
  const bool parsed = response.ParseFromString(bytes);
  if (!reader.is_batch()) return 0;
  MessageDecoder decoder;
  absl::string_view bytes_of_message;
  bool broken = false;
  for (int i = 0;; ++i) {
    const BatchReader::Step step = reader.Next(&bytes_of_message);
    if (step == BatchReader::Step::kEnd) {
      if (!broken && parsed) CHECK_EQ(i, response.batch().messages_size());
      break;
    }
    if (step == BatchReader::Step::kBroken) break;
    const nmq::v1::Message* const message = decoder.Decode(bytes_of_message);
    nmq::v1::Message expected;
    const bool sound = expected.ParseFromArray(bytes_of_message.data(), static_cast<int>(bytes_of_message.size()));
    CHECK_EQ(message != nullptr, sound);
    if (!sound) {
      broken = true;
      continue;
    }
    CHECK(google::protobuf::util::MessageDifferencer::Equals(*message, expected)) << expected.DebugString();
    CHECK(IsUtf8(*message));
    if (bytes_of_message.size() % 5 == 0) decoder.Shrink();
  }
  return 0;
}
