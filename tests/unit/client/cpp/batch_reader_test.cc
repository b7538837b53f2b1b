#include "client/cpp/batch_reader.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/slice.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "tests/unit/client/cpp/fake_server.h"

namespace nmq {
inline namespace client {
namespace internal {
namespace {

using nmq::fake::HeartbeatFrame;
using nmq::fake::MessagesFrame;

grpc::ByteBuffer InPieces(const std::string& bytes, size_t piece) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += piece) slices.emplace_back(bytes.substr(at, piece));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

// A field of up to 127 bytes.
std::string Field(int tag, const std::string& bytes) {
  return std::string(1, static_cast<char>(tag)) + std::string(1, static_cast<char>(bytes.size())) + bytes;
}

bool IsBatch(const std::string& bytes) {
  grpc::ByteBuffer frame = InPieces(bytes, 7);
  std::string scratch;
  return BatchReader(&frame, &scratch).is_batch();
}

// The messages of a frame; "broken" and "end" for the other steps.
std::vector<std::string> Read(const std::string& bytes, size_t piece = 1000) {
  grpc::ByteBuffer frame = InPieces(bytes, piece);
  std::string scratch;
  BatchReader reader(&frame, &scratch);
  EXPECT_TRUE(reader.is_batch());
  std::vector<std::string> seen;
  absl::string_view message;
  BatchReader::Step step;
  while ((step = reader.Next(&message)) == BatchReader::Step::kMessage) seen.emplace_back(message);
  seen.push_back(step == BatchReader::Step::kEnd ? "end" : "broken");
  return seen;
}

TEST(BatchReader, FindsEveryMessageHoweverTheFrameIsCut) {
  const v1::SubscribeResponse frame = MessagesFrame("DB", 3, 90, 130);
  std::vector<std::string> expected;
  for (const v1::Message& message : frame.batch().messages()) expected.push_back(message.SerializeAsString());
  expected.push_back("end");
  const std::string bytes = frame.SerializeAsString();
  for (size_t piece = 1; piece <= 40; ++piece) EXPECT_EQ(Read(bytes, piece), expected) << piece;
  EXPECT_EQ(Read(bytes, bytes.size()), expected);
}

TEST(BatchReader, OtherFramesAreNoBatches) {
  EXPECT_FALSE(IsBatch(""));
  EXPECT_FALSE(IsBatch(HeartbeatFrame({nmq::fake::At("DB", 3, 7)}).SerializeAsString()));
  EXPECT_TRUE(IsBatch(MessagesFrame("DB", 3, 1, 1).SerializeAsString()));
  // A batch that another field precedes or follows, or whose length is none.
  EXPECT_FALSE(IsBatch(Field(0x7a, "unknown") + Field(0x12, "")));
  EXPECT_FALSE(IsBatch(Field(0x12, "") + Field(0x7a, "unknown")));
  EXPECT_FALSE(IsBatch("\x12"));
  EXPECT_FALSE(IsBatch("\x12\x05"));
  EXPECT_FALSE(IsBatch("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
  EXPECT_FALSE(IsBatch("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
}

TEST(BatchReader, EmptyMessagesAndBatchesAreNothingSpecial) {
  EXPECT_EQ(Read(Field(0x12, "")), (std::vector<std::string>{"end"}));
  EXPECT_EQ(Read(Field(0x12, Field(0x0a, "") + Field(0x0a, "")), 1), (std::vector<std::string>{"", "", "end"}));
}

TEST(BatchReader, PassesOverUnknownFields) {
  const std::string bytes = Field(0x12, Field(0x7a, "unknown") + Field(0x0a, "a") + "\x10\x05" + Field(0x0a, "b"));
  for (const size_t piece : {1, 3, 100}) EXPECT_EQ(Read(bytes, piece), (std::vector<std::string>{"a", "b", "end"}));
}

TEST(BatchReader, SeesWhereABatchIsBroken) {
  const std::string good = Field(0x0a, "a");
  for (const std::string& rest : {
           std::string("\x0a"),                                          // no length
           std::string("\x0a\x05zu"),                                    // longer than the batch
           std::string("\x0a\xff\xff\xff\xff\x07"),                      // far longer
           std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),  // a length that is none
           std::string("\x00", 1),                                       // no field
           std::string("\x0c"),                                          // the end of no group
           std::string("\x7a\x10zu"),                                    // an unknown field, too long
           std::string("\x0f\x01"),                                      // no such wire type
       }) {
    for (const size_t piece : {1, 1000}) {
      EXPECT_EQ(Read(Field(0x12, good + rest), piece), (std::vector<std::string>{"a", "broken"}))
          << ::testing::PrintToString(rest);
    }
  }
}

}  // namespace
}  // namespace internal
}  // namespace client
}  // namespace nmq
