#include "tests/bench/stamped_template.h"

#include <gtest/gtest.h>

#include <cstring>

#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/connection.h"

namespace nmq::bench {
namespace {

int64_t TimestampOf(const nmq::v1::Message& message) {
  int64_t timestamp;
  std::memcpy(&timestamp, message.payload().data(), sizeof(timestamp));
  return timestamp;
}

TEST(StampedTemplate, StampsEveryPayloadAndNothingElse) {
  nmq::v1::PublishStreamRequest request;
  request.set_namespace_("default");
  for (int i = 0; i < 3; ++i) {
    request.add_messages()->set_queue("DB");
    request.mutable_messages(i)->set_payload(StampablePayload(8 + i * 100));
  }
  const StampedTemplate stamped(request);
  EXPECT_EQ(stamped.places(), 3u);

  nmq::v1::PublishStreamRequest found;
  ASSERT_TRUE(Decode(stamped.Stamp(123456789), &found));
  ASSERT_EQ(found.messages_size(), 3);
  EXPECT_EQ(found.namespace_(), "default");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(TimestampOf(found.messages(i)), 123456789);
    EXPECT_EQ(found.messages(i).payload().size(), 8u + static_cast<size_t>(i) * 100);
    EXPECT_EQ(found.messages(i).queue(), "DB");
  }
}

TEST(StampedTemplate, EarlierRequestsKeepTheirTimestamp) {
  nmq::v1::PublishRequest request;
  request.mutable_message()->set_payload(StampablePayload(64));
  const StampedTemplate stamped(request);
  const grpc::ByteBuffer first = stamped.Stamp(1);
  const grpc::ByteBuffer second = stamped.Stamp(2);
  nmq::v1::PublishRequest found;
  ASSERT_TRUE(Decode(first, &found));
  EXPECT_EQ(TimestampOf(found.message()), 1);
  ASSERT_TRUE(Decode(second, &found));
  EXPECT_EQ(TimestampOf(found.message()), 2);
}

TEST(StampedTemplate, PayloadIsNeverShorterThanATimestamp) { EXPECT_EQ(StampablePayload(0).size(), 8u); }

TEST(Connection, ChannelSettingsAreNamesWithNumbers) {
  const auto settings = ParseChannelSettings("grpc.http2.max_frame_size=65536,other=-1");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(*settings, (ChannelSettings{{"grpc.http2.max_frame_size", 65536}, {"other", -1}}));
  EXPECT_TRUE(ParseChannelSettings("")->empty());
  EXPECT_FALSE(ParseChannelSettings("name").ok());
  EXPECT_FALSE(ParseChannelSettings("=1").ok());
  EXPECT_FALSE(ParseChannelSettings("name=one").ok());
}

}  // namespace
}  // namespace nmq::bench
