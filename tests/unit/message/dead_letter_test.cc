#include "server/message/dead_letter.h"

#include <string>

#include "gtest/gtest.h"
#include "server/message/entry.h"

namespace nmq::broker {
namespace {

std::string EntryOf(const v1::Message& message, uint64_t epoch, uint64_t sequence) {
  EntrySuffix suffix(epoch, absl::FromUnixSeconds(1), "alice");
  suffix.SetSequence(sequence);
  const std::string body = message.SerializeAsString();
  std::string entry(suffix.EntrySize(body.size()), '\0');
  suffix.WriteEntry(body, entry.data());
  return entry;
}

v1::Message Published() {
  v1::Message message;
  message.set_queue("work");
  message.set_event("JOB");
  message.set_payload("text");
  message.set_key("k");
  (*message.mutable_headers())["h"] = "v";
  return message;
}

const Death kDeath = {"group", 7, 3, "cannot", absl::FromUnixMillis(5500)};

TEST(DeadLetter, KeepsWhatThePublisherSaidAndNamesWhereItCameFrom) {
  const v1::Message letter = ToDeadLetter(EntryOf(Published(), 12, 7), kDeath, "dead");
  EXPECT_EQ(letter.queue(), "dead");
  EXPECT_EQ(letter.event(), "JOB");
  EXPECT_EQ(letter.payload(), "text");
  EXPECT_EQ(letter.key(), "k");
  EXPECT_EQ(letter.headers().at("h"), "v");
  EXPECT_EQ(letter.publisher(), "alice");
  EXPECT_EQ(letter.dead_letter().queue(), "work");
  EXPECT_EQ(letter.dead_letter().epoch(), 12u);
  EXPECT_EQ(letter.dead_letter().sequence(), 7u);
  EXPECT_EQ(letter.dead_letter().group(), "group");
  EXPECT_EQ(letter.dead_letter().attempts(), 3u);
  EXPECT_EQ(letter.dead_letter().reason(), "cannot");
  EXPECT_EQ(letter.dead_letter().time().seconds(), 5);
  EXPECT_EQ(letter.dead_letter().time().nanos(), 500'000'000);
}

// It is published like any message: it gets a place of its own, at once, and it is no question any more.
TEST(DeadLetter, HasNoPlaceTimeOrQuestionOfItsFirstQueue) {
  v1::Message published = Published();
  published.set_request_id("once");
  published.set_reply_to("token");
  published.mutable_deliver_at()->set_seconds(2);
  published.mutable_expire_at()->set_seconds(3);
  const v1::Message letter = ToDeadLetter(EntryOf(published, 12, 7), kDeath, "dead");
  EXPECT_EQ(letter.id(), "");
  EXPECT_EQ(letter.epoch(), 0u);
  EXPECT_EQ(letter.sequence(), 0u);
  EXPECT_FALSE(letter.has_publish_time());
  EXPECT_EQ(letter.request_id(), "");
  EXPECT_EQ(letter.reply_to(), "");
  EXPECT_FALSE(letter.has_deliver_at());
  EXPECT_FALSE(letter.has_expire_at());
}

TEST(DeadLetter, GoesBackAsItWasPublished) {
  v1::Message letter = ToDeadLetter(EntryOf(Published(), 12, 7), kDeath, "dead");
  letter.set_id("id");
  letter.set_epoch(13);
  letter.set_sequence(1);
  letter.mutable_publish_time()->set_seconds(6);
  FromDeadLetter(&letter);
  EXPECT_EQ(letter.SerializeAsString(), Published().SerializeAsString());
}

}  // namespace
}  // namespace nmq::broker
