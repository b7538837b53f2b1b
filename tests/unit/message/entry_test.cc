#include "server/message/entry.h"

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {
namespace {

// The entry of `message`, whose server's fields are not set.
std::string Encode(const EntrySuffix& suffix, const v1::Message& message) {
  const std::string body = message.SerializeAsString();
  std::string entry(suffix.EntrySize(body.size()), '\xee');
  suffix.WriteEntry(body, entry.data());
  return entry;
}

v1::Message MakeMessage(const std::string& queue, const std::string& event, size_t payload_bytes) {
  v1::Message message;
  message.set_queue(queue);
  message.set_event(event);
  message.set_payload(std::string(payload_bytes, '\xab'));
  return message;
}

TEST(Entry, EntriesOneAfterAnotherAreABatch) {
  const absl::Time time = absl::FromUnixNanos(1'700'000'000'123'456'789);
  std::string bytes;
  std::vector<v1::Message> expected;
  for (const std::string& publisher : {std::string(), std::string("c-1"), std::string(1024, 'p')}) {
    EntrySuffix suffix(1'700'000'000'000'000, time, publisher);
    for (const uint64_t sequence :
         {uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 40, std::numeric_limits<uint64_t>::max()}) {
      for (const size_t size : {0, 1, 60, 127, 128, 16384, 100000}) {
        v1::Message message = MakeMessage("queue", "event", size);
        (*message.mutable_headers())["header"] = "value";
        message.set_content_type("text/plain");
        message.set_key("key");
        message.mutable_audience()->add_rooms("room");
        suffix.SetSequence(sequence);
        bytes += Encode(suffix, message);
        message.set_id(MessageId(1'700'000'000'000'000, sequence));
        message.set_epoch(1'700'000'000'000'000);
        message.set_sequence(sequence);
        message.set_publisher(publisher);
        message.mutable_publish_time()->set_seconds(1'700'000'000);
        message.mutable_publish_time()->set_nanos(123'456'789);
        expected.push_back(std::move(message));
      }
    }
  }
  v1::Batch batch;
  ASSERT_TRUE(batch.ParseFromString(bytes));
  ASSERT_EQ(static_cast<size_t>(batch.messages_size()), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(batch.messages(static_cast<int>(i)).SerializeAsString(), expected[i].SerializeAsString()) << i;
  }
}

// Every carry and every change of length up to there, one sequence after another.
TEST(Entry, SequencesCountOn) {
  EntrySuffix suffix(1'700'000'000'000'000, absl::UnixEpoch(), "c-1");
  const v1::Message message = MakeMessage("q", "e", 10);
  for (uint64_t sequence = 1; sequence < 70'000; ++sequence) {
    suffix.SetSequence(sequence);
    v1::Batch batch;
    ASSERT_TRUE(batch.ParseFromString(Encode(suffix, message)));
    ASSERT_EQ(batch.messages(0).sequence(), sequence);
    ASSERT_EQ(batch.messages(0).id(), MessageId(1'700'000'000'000'000, sequence));
  }
}

TEST(Entry, LargestEpochFits) {
  EntrySuffix suffix(std::numeric_limits<uint64_t>::max(), absl::UnixEpoch(), std::string(200, 'p'));
  suffix.SetSequence(std::numeric_limits<uint64_t>::max());
  v1::Batch batch;
  ASSERT_TRUE(batch.ParseFromString(Encode(suffix, MakeMessage("q", "e", 10))));
  EXPECT_EQ(batch.messages(0).epoch(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(batch.messages(0).id(), "3w5e11264sgsf-3w5e11264sgsf");
}

TEST(Entry, EventIsFoundInIt) {
  for (const size_t queue_bytes : {1, 127, 128, 1024}) {
    for (const size_t event_bytes : {1, 127, 128, 1024}) {
      const std::string event(event_bytes, 'e');
      EntrySuffix suffix(1, absl::UnixEpoch(), "c-1");
      suffix.SetSequence(1);
      const std::string entry = Encode(suffix, MakeMessage(std::string(queue_bytes, 'q'), event, 300));
      EXPECT_EQ(EventOf(entry.data()), event);
    }
  }
}

TEST(Entry, QuestionSaysWhereToReply) {
  EntrySuffix suffix(1, absl::UnixEpoch(), "c-1", std::string(200, 'r'));
  suffix.SetSequence(1);
  v1::Batch batch;
  ASSERT_TRUE(batch.ParseFromString(Encode(suffix, MakeMessage("q", "e", 10))));
  EXPECT_EQ(batch.messages(0).reply_to(), std::string(200, 'r'));
  EXPECT_EQ(batch.messages(0).publisher(), "c-1");
}

TEST(MessageId, IsUniqueOverQueuesWithTheirEpochs) {
  std::set<std::string> ids;
  for (uint64_t epoch = 1; epoch <= 60; ++epoch) {
    for (uint64_t sequence = 1; sequence <= 60; ++sequence) EXPECT_TRUE(ids.insert(MessageId(epoch, sequence)).second);
  }
}

TEST(Base36, IsTheShortestForm) {
  EXPECT_EQ(Base36(0), "0");
  EXPECT_EQ(Base36(35), "z");
  EXPECT_EQ(Base36(36), "10");
  EXPECT_EQ(Base36(std::numeric_limits<uint64_t>::max()), "3w5e11264sgsf");
}

v1::Message WithHeaders() {
  v1::Message message = MakeMessage("q", "e", 300);
  (*message.mutable_headers())["region"] = "eu";
  (*message.mutable_headers())["empty"] = "";
  message.set_content_type("key");
  message.set_key("the key");
  message.mutable_audience()->add_rooms("region");
  return message;
}

TEST(Entry, HeadersAreFoundByNameAndValue) {
  const EntrySuffix suffix(7, absl::UnixEpoch(), "region");
  const std::string entry = Encode(suffix, WithHeaders());
  const std::string eu = "eu";
  const std::string other = "e";
  const std::string empty;
  EXPECT_TRUE(HasHeader(entry.data(), "region", nullptr));
  EXPECT_TRUE(HasHeader(entry.data(), "region", &eu));
  EXPECT_FALSE(HasHeader(entry.data(), "region", &other));
  EXPECT_FALSE(HasHeader(entry.data(), "region", &empty));
  EXPECT_TRUE(HasHeader(entry.data(), "empty", nullptr));
  EXPECT_TRUE(HasHeader(entry.data(), "empty", &empty));
  EXPECT_FALSE(HasHeader(entry.data(), "empty", &eu));
  EXPECT_FALSE(HasHeader(entry.data(), "eu", nullptr));
  EXPECT_FALSE(HasHeader(Encode(suffix, MakeMessage("q", "e", 0)).data(), "region", nullptr));
}

TEST(Entry, KeyIsFound) {
  const EntrySuffix suffix(7, absl::UnixEpoch(), "publisher");
  EXPECT_EQ(KeyOf(Encode(suffix, WithHeaders()).data()), "the key");
  EXPECT_EQ(KeyOf(Encode(suffix, MakeMessage("q", "e", 0)).data()), "");
}

TEST(Entry, StampSaysWhichDeliveryItIs) {
  for (const size_t size : {0, 60, 100, 127, 128, 16384}) {
    EntrySuffix suffix(5, absl::UnixEpoch(), "c-1");
    suffix.SetSequence(300);
    const std::string entry = Encode(suffix, MakeMessage("queue", "event", size));
    for (const uint32_t attempt : {1u, 2u, 1000u}) {
      for (const uint64_t delivery : {uint64_t{1}, uint64_t{1} << 61, std::numeric_limits<uint64_t>::max()}) {
        const DeliveryStamp stamp(attempt, delivery);
        std::string stamped(stamp.EntrySize(MessageOf(entry)), '\xee');
        stamp.WriteEntry(MessageOf(entry), stamped.data());
        v1::Batch batch;
        ASSERT_TRUE(batch.ParseFromString(entry + stamped));
        v1::Message expected = batch.messages(0);
        if (attempt > 1) expected.set_attempt(attempt);
        expected.set_delivery(delivery);
        EXPECT_EQ(batch.messages(1).SerializeAsString(), expected.SerializeAsString());
        EXPECT_EQ(DeliveryOf(stamped).sequence, 300u);
        EXPECT_EQ(DeliveryOf(stamped).delivery, delivery);
      }
    }
  }
}

}  // namespace
}  // namespace nmq::broker
