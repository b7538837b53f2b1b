#include "server/queue/last_search.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/names.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/message/entry.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kMuch = 64 << 20;
constexpr int kMessages = 10'000;

// A queue of many messages, every tenth of which is of the event "tenth".
class LastSearchTest : public testing::Test {
 protected:
  LastSearchTest() {
    for (int i = 1; i <= kMessages; ++i) Append(i % 10 == 0 ? "tenth" : "other");
  }

  void Append(const std::string& event) {
    v1::Message message;
    message.set_queue("DB");
    message.set_event(event);
    EntrySuffix suffix(/*epoch=*/1, absl::UnixEpoch(), "");
    suffix.SetSequence(log_.end());
    const std::string body = message.SerializeAsString();
    const size_t size = suffix.EntrySize(body.size());
    suffix.WriteEntry(body, log_.Append(size, /*stamp=*/1, /*now_us=*/0, nullptr));
  }
  static EventFilter All() {
    EventFilter filter;
    filter.all = true;
    return filter;
  }

  SimulatedClock clock_;
  log::RingTotal total_{kMuch};
  MessageLog log_{{"DB", /*epoch=*/1, {kMuch, 2 * kMessages, absl::Minutes(1)}, {}, &total_, &clock_, {}}};
  const Memberships memberships_{5};
  const Pattern tenth_ = *Pattern::Parse("event", "tenth");
};

TEST_F(LastSearchTest, FindsWhereTheLastMessagesBegin) {
  const EventFilter all = All();
  LastSearch search(3, all, memberships_);
  EXPECT_TRUE(search.Step(log_, 3));
  EXPECT_EQ(search.sequence(), kMessages - 2u);
}

TEST_F(LastSearchTest, LooksAtNoMoreMessagesInAStepThanItMay) {
  EventFilter filter;
  filter.patterns = {&tenth_};
  LastSearch search(100, filter, memberships_);
  int steps = 1;
  uint64_t before = log_.end();
  for (; !search.Step(log_, 64); ++steps) {
    EXPECT_EQ(search.sequence(), before - 64);
    before = search.sequence();
  }
  EXPECT_EQ(search.sequence(), kMessages - 990u);
  EXPECT_EQ(steps, 16);  // for 991 messages
}

TEST_F(LastSearchTest, WhatComesBetweenTheStepsIsLater) {
  EventFilter filter;
  filter.patterns = {&tenth_};
  LastSearch search(2, filter, memberships_);
  EXPECT_FALSE(search.Step(log_, 5));
  for (int i = 0; i < 5; ++i) Append("tenth");
  while (!search.Step(log_, 5)) {
  }
  EXPECT_EQ(search.sequence(), kMessages - 10u);
}

TEST_F(LastSearchTest, WhatGoesBetweenTheStepsIsNotFound) {
  EventFilter filter;
  filter.patterns = {&tenth_};
  LastSearch search(500, filter, memberships_);
  EXPECT_FALSE(search.Step(log_, 100));
  log_.Purge(5'001);
  EXPECT_FALSE(search.Step(log_, 100));
  log_.Purge(9'900);
  EXPECT_TRUE(search.Step(log_, 100));
  EXPECT_EQ(search.sequence(), 9'900u);
}

TEST_F(LastSearchTest, OfFewerThanWantedItFindsAll) {
  const EventFilter all = All();
  LastSearch search(2 * kMessages, all, memberships_);
  EXPECT_TRUE(search.Step(log_, 2 * kMessages));
  EXPECT_EQ(search.sequence(), 1u);
}

}  // namespace
}  // namespace nmq::broker
