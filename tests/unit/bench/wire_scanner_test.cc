#include "tests/bench/nmq/wire_scanner.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::bench {
namespace {

// `bytes` cut into pieces of at most `size` bytes.
std::vector<absl::string_view> Cut(absl::string_view bytes, size_t size) {
  std::vector<absl::string_view> pieces;
  for (size_t at = 0; at < bytes.size(); at += size) pieces.push_back(bytes.substr(at, size));
  return pieces;
}

std::string TimestampPayload(int64_t timestamp, size_t size) {
  std::string payload(size, 'x');
  std::memcpy(payload.data(), &timestamp, sizeof(timestamp));
  return payload;
}

// A batch with messages of different sizes; message i has sequence 1000 * i and timestamp 7 * i, from 1 on.
nmq::v1::SubscribeResponse MakeBatch(int messages) {
  nmq::v1::SubscribeResponse response;
  for (int i = 1; i <= messages; ++i) {
    nmq::v1::Message* message = response.mutable_batch()->add_messages();
    message->set_queue("DB");
    message->set_event("CREATE");
    message->set_id("an id");
    message->set_epoch(uint64_t{1} << 60);
    message->set_sequence(static_cast<uint64_t>(i) * 1000);
    message->set_payload(TimestampPayload(i * 7, 8 + static_cast<size_t>(i) * 40));
    (*message->mutable_headers())["name"] = "value";
    message->mutable_audience()->add_rooms("room");
  }
  return response;
}

TEST(WireScanner, CountsTheMessagesOfABatchHoweverItIsCut) {
  const std::string bytes = MakeBatch(20).SerializeAsString();
  for (size_t size = 1; size <= bytes.size(); ++size) {
    FrameScan scan;
    ASSERT_TRUE(ScanFrame(Cut(bytes, size), Look::kFirst, &scan)) << size;
    ASSERT_EQ(scan.kind, FrameKind::kBatch) << size;
    ASSERT_EQ(scan.messages, 20u) << size;
    ASSERT_EQ(scan.views.size(), 1u) << size;
    ASSERT_EQ(scan.views[0].sequence, 1000u) << size;
    ASSERT_EQ(scan.views[0].timestamp, 7) << size;
  }
}

TEST(WireScanner, LooksIntoEveryMessageIfAsked) {
  const std::string bytes = MakeBatch(20).SerializeAsString();
  for (const size_t size : {1, 3, 17, 100000}) {
    FrameScan scan;
    ASSERT_TRUE(ScanFrame(Cut(bytes, size), Look::kAll, &scan));
    ASSERT_EQ(scan.views.size(), 20u);
    for (int i = 1; i <= 20; ++i) {
      EXPECT_EQ(scan.views[i - 1].sequence, static_cast<uint64_t>(i) * 1000);
      EXPECT_EQ(scan.views[i - 1].timestamp, i * 7);
    }
  }
}

TEST(WireScanner, ForgetsTheFrameBefore) {
  FrameScan scan;
  ASSERT_TRUE(ScanFrame(Cut(MakeBatch(5).SerializeAsString(), 50), Look::kAll, &scan));
  ASSERT_TRUE(ScanFrame(Cut(MakeBatch(2).SerializeAsString(), 50), Look::kAll, &scan));
  EXPECT_EQ(scan.messages, 2u);
  EXPECT_EQ(scan.views.size(), 2u);
}

TEST(WireScanner, ShortPayloadHasNoTimestamp) {
  nmq::v1::SubscribeResponse response;
  nmq::v1::Message* message = response.mutable_batch()->add_messages();
  message->set_payload("1234567");
  message->set_sequence(3);
  FrameScan scan;
  ASSERT_TRUE(ScanFrame(Cut(response.SerializeAsString(), 4), Look::kFirst, &scan));
  EXPECT_EQ(scan.views[0].timestamp, 0);
  EXPECT_EQ(scan.views[0].sequence, 3u);
}

TEST(WireScanner, TellsOtherFramesByTheirKind) {
  FrameScan scan;
  nmq::v1::SubscribeResponse response;
  response.mutable_ready()->set_client_id("someone");
  ASSERT_TRUE(ScanFrame(Cut(response.SerializeAsString(), 5), Look::kFirst, &scan));
  EXPECT_EQ(scan.kind, FrameKind::kReady);
  response.mutable_gap()->set_first(9);
  ASSERT_TRUE(ScanFrame(Cut(response.SerializeAsString(), 5), Look::kFirst, &scan));
  EXPECT_EQ(scan.kind, FrameKind::kGap);
  response.mutable_heartbeat();
  ASSERT_TRUE(ScanFrame(Cut(response.SerializeAsString(), 5), Look::kFirst, &scan));
  EXPECT_EQ(scan.kind, FrameKind::kHeartbeat);
  response.mutable_drain();
  ASSERT_TRUE(ScanFrame(Cut(response.SerializeAsString(), 5), Look::kFirst, &scan));
  EXPECT_EQ(scan.kind, FrameKind::kDrain);
  EXPECT_EQ(scan.messages, 0u);
}

TEST(WireScanner, EmptyBytesAreNoFrame) {
  FrameScan scan;
  EXPECT_FALSE(ScanFrame({}, Look::kFirst, &scan));
}

TEST(WireScanner, CutOffBatchIsNoFrame) {
  const std::string bytes = MakeBatch(3).SerializeAsString();
  FrameScan scan;
  for (size_t size = 1; size < bytes.size(); ++size) {
    ASSERT_FALSE(ScanFrame(Cut(bytes.substr(0, size), 16), Look::kFirst, &scan)) << size;
    ASSERT_FALSE(ScanFrame(Cut(bytes.substr(0, size), 16), Look::kAll, &scan)) << size;
  }
}

TEST(WireScanner, MessageThatReachesBeyondItsBatchIsNoFrame) {
  // A batch of 4 bytes, in which a message claims 5.
  const std::string bytes("\x12\x04\x0a\x05\x30\x01\x30\x01\x30", 9);
  FrameScan scan;
  EXPECT_FALSE(ScanFrame(Cut(bytes, 100), Look::kFirst, &scan));
}

TEST(WireScanner, EndlessVarintIsNoFrame) {
  FrameScan scan;
  EXPECT_FALSE(ScanFrame(Cut(std::string(20, '\xff'), 100), Look::kFirst, &scan));
}

TEST(WireCursor, SkipsFieldsOfAllWireTypes) {
  const std::string bytes(
      "\x81\x01"
      "12345678"
      "\x03"
      "abc"
      "1234"
      "!",
      19);
  const std::vector<absl::string_view> pieces = Cut(bytes, 3);
  WireCursor cursor(pieces);
  EXPECT_EQ(cursor.remaining(), 19u);
  EXPECT_TRUE(cursor.SkipField(1 << 3 | 0));
  EXPECT_TRUE(cursor.SkipField(1 << 3 | 1));
  EXPECT_TRUE(cursor.SkipField(1 << 3 | 2));
  EXPECT_TRUE(cursor.SkipField(1 << 3 | 5));
  EXPECT_EQ(cursor.remaining(), 1u);
  EXPECT_FALSE(cursor.SkipField(1 << 3 | 3));
  char last;
  EXPECT_TRUE(cursor.Read(&last, 1));
  EXPECT_EQ(last, '!');
  EXPECT_FALSE(cursor.Read(&last, 1));
}

}  // namespace
}  // namespace nmq::bench
