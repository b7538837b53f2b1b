#include "server/grpc/frames.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/frame/frame.h"
#include "server/log/chunk.h"

namespace nmq::rpc {
namespace {

// An entry: a message as it stands in a Batch.
std::string EntryOf(const std::string& payload) {
  v1::Batch batch;
  batch.add_messages()->set_payload(payload);
  return batch.SerializeAsString();
}

log::Chunk* ChunkOf(const std::string& bytes) {
  auto* chunk = new log::Chunk(bytes.size());
  memcpy(chunk->Extend(bytes.size()), bytes.data(), bytes.size());
  return chunk;
}

// What one look at a subscription brings.
struct Delivery {
  std::vector<log::ByteRange> ranges;
  size_t bytes = 0;
};

// A delivery of one range for each of these, each in a chunk of its own.
Delivery DeliveryOf(const std::vector<std::string>& ranges) {
  Delivery delivery;
  for (const std::string& bytes : ranges) {
    log::ByteRange& range = delivery.ranges.emplace_back();
    range.chunk = log::ChunkRef::Adopt(ChunkOf(bytes));
    range.length = static_cast<uint32_t>(bytes.size());
    delivery.bytes += bytes.size();
  }
  return delivery;
}

std::vector<grpc::Slice> SlicesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return slices;
}

grpc::ByteBuffer EncodeBatch(Delivery* delivery) {
  return ToByteBuffer(Frame(std::move(delivery->ranges), delivery->bytes));
}

grpc::ByteBuffer Encode(const google::protobuf::MessageLite& message) { return ToByteBuffer(Frame(message)); }

absl::Status Decode(const grpc::ByteBuffer& buffer, google::protobuf::MessageLite* message) {
  return GrpcRequestBytes(&buffer).Decode(message);
}

// Where the bytes of the buffer lie.
std::vector<const void*> PlacesOf(const grpc::ByteBuffer& buffer) {
  std::vector<const void*> places;
  for (const grpc::Slice& slice : SlicesOf(buffer)) places.push_back(slice.begin());
  return places;
}

std::vector<std::string> PayloadsOf(const grpc::ByteBuffer& buffer) {
  v1::SubscribeResponse frame;
  EXPECT_TRUE(Decode(buffer, &frame).ok());
  EXPECT_TRUE(frame.has_batch());
  std::vector<std::string> payloads;
  for (const v1::Message& message : frame.batch().messages()) payloads.push_back(message.payload());
  return payloads;
}

TEST(EncodeBatch, ParsesBackAsAFrameWithTheMessages) {
  const std::vector<std::string> payloads = {"a", std::string(20'000, 'b'), "", std::string(300, 'c'), "d"};
  std::vector<std::string> entries;
  for (const std::string& payload : payloads) entries.push_back(EntryOf(payload));
  Delivery delivery = DeliveryOf(entries);
  EXPECT_EQ(PayloadsOf(EncodeBatch(&delivery)), payloads);
  EXPECT_TRUE(delivery.ranges.empty());
}

TEST(EncodeBatch, SharesALongRangeAndWritesOnlyTheHeaderBeforeIt) {
  Delivery delivery = DeliveryOf({EntryOf(std::string(100'000, 'x'))});
  const void* place = delivery.ranges[0].data();
  const grpc::ByteBuffer buffer = EncodeBatch(&delivery);
  const std::vector<const void*> places = PlacesOf(buffer);
  ASSERT_EQ(places.size(), 2);
  EXPECT_EQ(places[1], place);
  EXPECT_LT(SlicesOf(buffer)[0].size(), 8);
}

TEST(EncodeBatch, CopiesShortRangesTogether) {
  Delivery delivery = DeliveryOf({EntryOf("a"), EntryOf("b"), EntryOf("c")});
  const grpc::ByteBuffer buffer = EncodeBatch(&delivery);
  EXPECT_EQ(PlacesOf(buffer).size(), 1);
  EXPECT_EQ(PayloadsOf(buffer), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(EncodeBatch, KeepsTheOrderOfLongAndShortRanges) {
  const std::string big(50'000, 'B');
  Delivery delivery = DeliveryOf({EntryOf(big), EntryOf("a"), EntryOf("b"), EntryOf(big), EntryOf("c")});
  const void* first = delivery.ranges[0].data();
  const void* second = delivery.ranges[3].data();
  const grpc::ByteBuffer buffer = EncodeBatch(&delivery);
  const std::vector<const void*> places = PlacesOf(buffer);
  ASSERT_EQ(places.size(), 5);  // header, big, a and b, big, c
  EXPECT_EQ(places[1], first);
  EXPECT_EQ(places[3], second);
  EXPECT_EQ(PayloadsOf(buffer), (std::vector<std::string>{big, "a", "b", big, "c"}));
}

TEST(EncodeBatch, SharedBytesOutliveTheQueuesOwnHold) {
  const std::string big(50'000, 'B');
  grpc::ByteBuffer buffer;
  {
    Delivery delivery = DeliveryOf({EntryOf(big)});
    log::ChunkRef of_the_queue = delivery.ranges[0].chunk;
    buffer = EncodeBatch(&delivery);
  }
  EXPECT_EQ(PayloadsOf(buffer), std::vector<std::string>{big});
}

TEST(EncodeBatch, TakesARangeOutOfTheMiddleOfAChunk) {
  const std::string entry = EntryOf(std::string(9'000, 'm'));
  Delivery delivery = DeliveryOf({"before" + entry + "after"});
  delivery.ranges[0].offset = 6;
  delivery.ranges[0].length = static_cast<uint32_t>(entry.size());
  delivery.bytes = entry.size();
  EXPECT_EQ(PayloadsOf(EncodeBatch(&delivery)), std::vector<std::string>{std::string(9'000, 'm')});
}

TEST(EncodeBatch, LengthsOfEverySizeOfTheHeaderParseBack) {
  for (const size_t size : {0, 1, 100, 120, 127, 128, 129, 16'000, 16'383, 16'384, 16'385, 2'097'151, 2'097'153}) {
    Delivery delivery = DeliveryOf({EntryOf(std::string(size, 'x'))});
    EXPECT_EQ(PayloadsOf(EncodeBatch(&delivery)), std::vector<std::string>{std::string(size, 'x')});
  }
}

TEST(Encode, WhatIsEncodedDecodes) {
  v1::SubscribeResponse frame;
  frame.mutable_gap()->set_first(7);
  v1::SubscribeResponse decoded;
  EXPECT_TRUE(Decode(Encode(frame), &decoded).ok());
  EXPECT_EQ(decoded.gap().first(), 7);
  EXPECT_TRUE(Decode(Encode(v1::SubscribeResponse()), &decoded).ok());
  EXPECT_EQ(decoded.frame_case(), v1::SubscribeResponse::FRAME_NOT_SET);
}

TEST(Decode, ReadsWhatCameInSeveralPieces) {
  v1::PublishRequest request;
  request.mutable_message()->set_payload(std::string(1000, 'p'));
  const std::string bytes = request.SerializeAsString();
  const std::vector<grpc::Slice> slices = {grpc::Slice(bytes.substr(0, 1)), grpc::Slice(bytes.substr(1, 500)),
                                           grpc::Slice(bytes.substr(501))};
  v1::PublishRequest decoded;
  EXPECT_TRUE(Decode(grpc::ByteBuffer(slices.data(), slices.size()), &decoded).ok());
  EXPECT_EQ(decoded.SerializeAsString(), bytes);
}

TEST(RequestBytes, AreInOnePieceHoweverTheyCame) {
  const std::vector<grpc::Slice> slices = {grpc::Slice("one "), grpc::Slice("and "), grpc::Slice("one more")};
  const grpc::ByteBuffer several(slices.data(), slices.size());
  EXPECT_EQ(GrpcRequestBytes(&several).size(), 16u);
  const GrpcRequestBytes joined(&several);
  EXPECT_EQ(joined.InOnePiece(), "one and one more");
  const grpc::ByteBuffer one(slices.data(), 1);
  const GrpcRequestBytes alone(&one);
  EXPECT_EQ(alone.InOnePiece(), "one ");
  const grpc::ByteBuffer none;
  EXPECT_EQ(GrpcRequestBytes(&none).InOnePiece(), "");
}

TEST(RequestBytes, OfOnePieceAreNotCopied) {
  const grpc::Slice slice(std::string(1000, 'x'));
  const grpc::ByteBuffer buffer(&slice, 1);
  const GrpcRequestBytes bytes(&buffer);
  EXPECT_EQ(static_cast<const void*>(bytes.InOnePiece().data()), static_cast<const void*>(slice.begin()));
}

TEST(Decode, BytesThatAreNoMessageAreInvalid) {
  const grpc::Slice garbage("\x0a\x7ftoo short");
  v1::SubscribeRequest request;
  const absl::Status status = Decode(grpc::ByteBuffer(&garbage, 1), &request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), kReasonInvalidField);
  EXPECT_NE(status.message().find("nmq.v1.SubscribeRequest"), absl::string_view::npos);
}

}  // namespace
}  // namespace nmq::rpc
