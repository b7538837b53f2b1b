#include "tests/bench/nmq/stamped_template.h"

#include <gtest/gtest.h>

#include "nmq/v1/message_queue.pb.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {
namespace {

Stamp StampOf(const nmq::v1::Message& message) {
  Stamp stamp;
  EXPECT_TRUE(ReadStamp(message.payload(), &stamp));
  return stamp;
}

TEST(StampedTemplate, StampsEveryPayloadAndNothingElse) {
  nmq::v1::PublishStreamRequest request;
  request.set_namespace_("default");
  for (int i = 0; i < 3; ++i) {
    request.add_messages()->set_queue("DB");
    request.mutable_messages(i)->set_payload(StampablePayload(16 + i * 100));
  }
  const StampedTemplate stamped(request);
  EXPECT_EQ(stamped.messages(), 3u);

  nmq::v1::PublishStreamRequest found;
  ASSERT_TRUE(Decode(stamped.Write({123456789, 7, 100}), &found));
  ASSERT_EQ(found.messages_size(), 3);
  EXPECT_EQ(found.namespace_(), "default");
  for (int i = 0; i < 3; ++i) {
    const Stamp stamp = StampOf(found.messages(i));
    EXPECT_EQ(stamp.time, 123456789);
    EXPECT_EQ(stamp.publisher, 7);
    EXPECT_EQ(stamp.number, 100u + static_cast<uint64_t>(i));
    EXPECT_EQ(found.messages(i).payload().size(), 16u + static_cast<size_t>(i) * 100);
    EXPECT_EQ(found.messages(i).queue(), "DB");
  }
}

TEST(StampedTemplate, EarlierRequestsKeepTheirStamp) {
  nmq::v1::PublishRequest request;
  request.mutable_message()->set_payload(StampablePayload(64));
  const StampedTemplate stamped(request);
  const grpc::ByteBuffer first = stamped.Write({1, 0, 0});
  const grpc::ByteBuffer second = stamped.Write({2, 0, 0});
  nmq::v1::PublishRequest found;
  ASSERT_TRUE(Decode(first, &found));
  EXPECT_EQ(StampOf(found.message()).time, 1);
  ASSERT_TRUE(Decode(second, &found));
  EXPECT_EQ(StampOf(found.message()).time, 2);
}

TEST(StampedTemplate, PayloadIsNeverShorterThanAStamp) { EXPECT_EQ(StampablePayload(0).size(), kStampBytes); }

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
