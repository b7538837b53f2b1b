#include "server/namespace/publishing.h"

#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/unit/namespace/parts.h"

namespace nmq::broker {
namespace {

class PublishingTest : public testing::Test {
 protected:
  absl::StatusOr<Published> Publish(std::vector<v1::Message> messages, const PublishOptions& options = {}) {
    std::vector<Incoming> incoming;
    for (v1::Message& message : messages) incoming.push_back(ToIncoming(&message, &arena_));
    auto addressed = parts_.Address(incoming);
    if (!addressed.ok()) return addressed.status();
    absl::StatusOr<Published> published;
    publishing_.Publish(/*publisher=*/nullptr, &*addressed, options,
                        [&](absl::StatusOr<Published> done) { published = std::move(done); });
    return published;
  }
  v1::Message Later(const std::string& queue) const {
    v1::Message message = NewMessage(queue);
    message.mutable_deliver_at()->set_seconds(absl::ToUnixSeconds(parts_.clock.Now()) + 60);
    return message;
  }
  int Deliver() {
    const uint64_t before = parts_.counters.published_messages;
    int resolved = 0;
    parts_.delays.DeliverDue(parts_.queues.Served(), [&](const std::string&, const Incoming&) {
      ++resolved;
      return nullptr;
    });
    EXPECT_EQ(resolved, 0);  // each is for everyone
    return static_cast<int>(parts_.counters.published_messages - before);
  }
  uint64_t waiting() { return parts_.delays.total()->messages; }

  Parts parts_;
  google::protobuf::Arena arena_;
  Mutex mu_;
  Publishing publishing_{{&parts_.clock, parts_.lanes, /*committer=*/nullptr, &parts_.delays, &parts_.counters, &mu_}};
};

TEST_F(PublishingTest, AnswersWithTheRangeOfEachQueue) {
  parts_.AddQueue("DB");
  parts_.AddQueue("FS");
  const auto published = Publish({NewMessage("DB"), NewMessage("FS"), NewMessage("DB")});
  ASSERT_TRUE(published.ok());
  ASSERT_EQ(published->ranges.size(), 2u);
  EXPECT_EQ(published->ranges[0].queue(), "DB");
  EXPECT_EQ(published->ranges[0].first(), 1u);
  EXPECT_EQ(published->ranges[0].last(), 2u);
  EXPECT_EQ(published->storage, v1::STORAGE_MEMORY);
  EXPECT_EQ(parts_.counters.published_messages, 3u);
}

TEST_F(PublishingTest, ADuplicateIsToldByItsPlaceInTheBatch) {
  parts_.AddQueue("DB");
  v1::Message message = NewMessage("DB");
  message.set_request_id("r");
  const auto published = Publish({NewMessage("DB"), message, message});
  ASSERT_TRUE(published.ok());
  ASSERT_EQ(published->duplicates.size(), 1u);
  EXPECT_EQ(published->duplicates[0].index(), 2u);
  EXPECT_EQ(published->duplicates[0].position().sequence(), 2u);
  EXPECT_EQ(parts_.counters.published_messages, 2u);
}

TEST_F(PublishingTest, AnotherLastSequenceThanExpectedIsRefused) {
  parts_.AddQueue("DB");
  ASSERT_TRUE(Publish({NewMessage("DB")}, {.expected_last = 0}).ok());
  EXPECT_EQ(ReasonOf(Publish({NewMessage("DB")}, {.expected_last = 0}).status()), "SEQUENCE_MISMATCH");
}

TEST_F(PublishingTest, AQuestionThatNobodyHearsIsRefused) {
  parts_.AddQueue("DB");
  v1::Message message = NewMessage("DB");
  auto addressed = parts_.Address({ToIncoming(&message, &arena_)});
  absl::Status status;
  publishing_.PublishQuestion(nullptr, "token", &*addressed,
                              [&](const absl::StatusOr<PublishedQuestion>& asked) { status = asked.status(); });
  EXPECT_EQ(ReasonOf(status), "NOBODY_LISTENS");
}

TEST_F(PublishingTest, AMessageWaitsUntilItsTimeAndThenHasASequence) {
  parts_.AddQueue("DB");
  const auto published = Publish({Later("DB")});
  ASSERT_TRUE(published.ok());
  EXPECT_TRUE(published->ranges.empty());
  EXPECT_EQ(waiting(), 1u);
  EXPECT_GT(parts_.memory, 0u);
  EXPECT_EQ(Deliver(), 0);
  parts_.clock.Advance(absl::Seconds(61));
  EXPECT_EQ(Deliver(), 1);
  EXPECT_EQ(waiting(), 0u);
  EXPECT_EQ(parts_.memory, 0u);
  EXPECT_EQ(Publish({NewMessage("DB")})->ranges[0].first(), 2u);
}

TEST_F(PublishingTest, MoreThanMayWaitAreRefusedTogether) {
  parts_.limits.scheduled_messages = 2;
  parts_.AddQueue("DB");
  ASSERT_TRUE(Publish({Later("DB")}).ok());
  const absl::Status status = Publish({Later("DB"), NewMessage("DB"), Later("DB")}).status();
  EXPECT_EQ(MetadataOf(status, "limit"), "scheduled_messages");
  EXPECT_EQ(waiting(), 1u);
  EXPECT_EQ(parts_.counters.published_messages, 0u);
  EXPECT_TRUE(Publish({Later("DB")}).ok());
}

TEST_F(PublishingTest, WhatWaitsInMemoryCountsLikeWhatRingsHold) {
  parts_.limits.all_queues_bytes = 10;
  parts_.AddQueue("DB");
  EXPECT_EQ(MetadataOf(Publish({Later("DB")}).status(), "limit"), "all_queues_bytes");
  EXPECT_EQ(waiting(), 0u);
  EXPECT_EQ(parts_.memory, 0u);
}

}  // namespace
}  // namespace nmq::broker
