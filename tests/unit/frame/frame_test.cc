#include "server/frame/frame.h"

#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq {
namespace {

using ::testing::ElementsAre;

// A range of these bytes, in a chunk of its own.
log::ByteRange RangeOf(const std::string& bytes) {
  auto* chunk = new log::Chunk(bytes.size());
  memcpy(chunk->Extend(bytes.size()), bytes.data(), bytes.size());
  log::ByteRange range;
  range.chunk = log::ChunkRef::Adopt(chunk);
  range.length = static_cast<uint32_t>(bytes.size());
  return range;
}

std::string EntryOf(const std::string& payload) {
  v1::Batch batch;
  batch.add_messages()->set_payload(payload);
  return batch.SerializeAsString();
}

Frame BatchOf(const std::vector<std::string>& payloads) {
  std::vector<log::ByteRange> ranges;
  size_t bytes = 0;
  for (const std::string& payload : payloads) {
    ranges.push_back(RangeOf(EntryOf(payload)));
    bytes += ranges.back().length;
  }
  return Frame(std::move(ranges), bytes);
}

// An encoder for a transport that writes text.
struct Pieces {
  std::string text;
  std::vector<std::string> kinds;        // "copied" or "shared"
  std::vector<const void*> places;       // where the shared ones lie
  std::deque<std::vector<char>> copied;  // until the text is put together
  std::vector<log::ByteRange> shared;
};

Pieces PiecesOf(Frame frame) {
  Pieces pieces;
  std::vector<std::pair<const char*, size_t>> order;
  frame.Encode(
      [&](size_t size) {
        pieces.kinds.push_back("copied");
        pieces.copied.emplace_back(size);
        order.emplace_back(pieces.copied.back().data(), size);
        return pieces.copied.back().data();
      },
      [&](log::ByteRange&& range) {
        pieces.kinds.push_back("shared");
        pieces.places.push_back(range.data());
        order.emplace_back(range.data(), range.length);
        pieces.shared.push_back(std::move(range));
      });
  for (const auto& [data, size] : order) pieces.text.append(data, size);
  return pieces;
}

std::vector<std::string> PayloadsOf(const std::string& text) {
  v1::SubscribeResponse response;
  EXPECT_TRUE(response.ParseFromString(text));
  std::vector<std::string> payloads;
  for (const v1::Message& message : response.batch().messages()) payloads.push_back(message.payload());
  return payloads;
}

TEST(Frame, OfAMessageIsItsWireForm) {
  for (const size_t size : {0, 10, 95, 96, 97, 100'000}) {
    v1::PublishStreamResponse response;
    response.mutable_refused()->set_message(std::string(size, 'm'));
    Frame frame(response);
    EXPECT_EQ(frame.size(), response.ByteSizeLong());
    const Pieces pieces = PiecesOf(std::move(frame));
    EXPECT_EQ(pieces.text, response.SerializeAsString());
    EXPECT_THAT(pieces.kinds, ElementsAre("copied"));
  }
}

TEST(Frame, OfAnEmptyMessageHasNoPieces) {
  Frame frame{v1::SubscribeResponse()};
  EXPECT_EQ(frame.size(), 0u);
  EXPECT_TRUE(PiecesOf(std::move(frame)).kinds.empty());
}

TEST(Frame, CopiesShortRangesInOnePieceWithTheHeader) {
  const Pieces pieces = PiecesOf(BatchOf({"a", "b", "c"}));
  EXPECT_THAT(pieces.kinds, ElementsAre("copied"));
  EXPECT_THAT(PayloadsOf(pieces.text), ElementsAre("a", "b", "c"));
}

TEST(Frame, SharesLongRangesWhereTheyAreAndKeepsTheOrder) {
  const std::string big(50'000, 'B');
  std::vector<log::ByteRange> ranges;
  for (const std::string& payload : {big, std::string("a"), std::string("b"), big, std::string("c")}) {
    ranges.push_back(RangeOf(EntryOf(payload)));
  }
  const void* first = ranges[0].data();
  const void* second = ranges[3].data();
  size_t bytes = 0;
  for (const log::ByteRange& range : ranges) bytes += range.length;
  const Pieces pieces = PiecesOf(Frame(std::move(ranges), bytes));
  EXPECT_THAT(pieces.kinds, ElementsAre("copied", "shared", "copied", "shared", "copied"));
  EXPECT_THAT(pieces.places, ElementsAre(first, second));
  EXPECT_THAT(PayloadsOf(pieces.text), ElementsAre(big, "a", "b", big, "c"));
}

TEST(Frame, SharesFromItsBoundOn) {
  std::vector<log::ByteRange> ranges;
  ranges.push_back(RangeOf(std::string(Frame::kShareBytesMin - 1, 'x')));
  ranges.push_back(RangeOf(std::string(Frame::kShareBytesMin, 'y')));
  ranges.push_back(RangeOf(std::string(Frame::kShareBytesMin, 'z')));
  const Pieces pieces = PiecesOf(Frame(std::move(ranges), 3 * Frame::kShareBytesMin - 1));
  EXPECT_THAT(pieces.kinds, ElementsAre("copied", "shared", "shared"));
}

TEST(Frame, SaysTheLengthOfABatchOfAnySize) {
  for (const size_t size : {0, 1, 100, 120, 127, 128, 129, 16'000, 16'383, 16'384, 16'385, 2'097'151, 2'097'153}) {
    Frame frame = BatchOf({std::string(size, 'x')});
    const size_t frame_size = frame.size();
    const Pieces pieces = PiecesOf(std::move(frame));
    EXPECT_EQ(pieces.text.size(), frame_size);
    EXPECT_THAT(PayloadsOf(pieces.text), ElementsAre(std::string(size, 'x')));
  }
}

}  // namespace
}  // namespace nmq
