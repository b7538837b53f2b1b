// Subscribers that choose what they need not hear when they are too slow: the newest, or all but the latest of each
// key.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The rings in memory hold ten messages.
constexpr char kConfig[] = R"(
    limits { queue_messages: 10 }
    namespace {
      name: "default"
      automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "B" durability: DURABILITY_BUFFERED }
    })";

class Policies : public testing::Test {
 protected:
  std::unique_ptr<Listener> Listen(const v1::SubscribeRequest& request) {
    auto listener = world_.TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  v1::SubscribeRequest DropNewest(uint64_t messages, const Wants& wants = {{"**", ""}}) {
    v1::SubscribeRequest request = SubscribeTo(member_, wants);
    request.set_overflow(v1::OVERFLOW_DROP_NEWEST);
    request.set_overflow_messages(messages);
    return request;
  }
  v1::SubscribeRequest KeepLatest(const Wants& wants = {{"**", ""}}) {
    v1::SubscribeRequest request = SubscribeTo(member_, wants);
    request.set_overflow(v1::OVERFLOW_KEEP_LATEST);
    return request;
  }
  void Publish(int first, int last, Post post = {}) {
    for (int i = first; i <= last; ++i) {
      post.payload = absl::StrCat(i);
      ASSERT_TRUE(world_.Publish(post).ok());
    }
  }
  void PublishKeys(const std::vector<std::string>& keys, Post post = {}) {
    for (const std::string& key : keys) {
      post.payload = absl::StrCat(key, ++published_);
      post.key = key;
      ASSERT_TRUE(world_.Publish(post).ok());
    }
  }
  // What comes, blocks from disk included.
  Heard HearAll(Listener* listener) {
    Heard all;
    for (int quiet = 0; quiet < 2;) {
      Heard heard = listener->HearAll(1000);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      std::move(heard.gaps.begin(), heard.gaps.end(), std::back_inserter(all.gaps));
      std::move(heard.order.begin(), heard.order.end(), std::back_inserter(all.order));
      world_.storage().log().Flush();
    }
    return all;
  }

  World world_{kConfig, /*lanes=*/1, FreshDirectory()};
  int published_ = 0;
  Member member_ = world_.Connect();
};

TEST_F(Policies, DropNewestKeepsThoseThatWaitAndTellsExactlyWhatCameMeanwhile) {
  auto listener = Listen(DropNewest(3));
  Publish(1, 8);
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("1", "2", "3", "gap 4-8"));
  EXPECT_EQ(heard.gaps[0].count(), 5u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_DROPPED_NEWEST);
  Publish(9, 11);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("9", "10", "11"));
}

TEST_F(Policies, DropNewestChangesNothingForWhoKeepsUp) {
  auto listener = Listen(DropNewest(1));
  for (int i = 1; i <= 30; ++i) {
    Publish(i, i);
    EXPECT_THAT(listener->HearAll().order, ElementsAre(absl::StrCat(i)));
  }
}

TEST_F(Policies, DropNewestTakesAgainWhatComesAfterSomethingWasRead) {
  auto listener = Listen(DropNewest(2));
  Publish(1, 3);
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("1"));
  Publish(4, 6);
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("2"));
  Publish(7, 7);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("gap 3-3", "4", "gap 5-6", "7"));
}

TEST_F(Policies, DropNewestCountsOnlyWhatIsForTheSubscription) {
  member_ = world_.Connect("", {"a", "b"});
  v1::SubscribeRequest request = DropNewest(2, {{"DB", "x"}, {"DB", "y.*"}});
  request.add_headers()->set_name("h");
  auto listener = Listen(request);
  Publish(1, 1, {.event = "x", .rooms = {"a", "b"}, .headers = {{"h", ""}}});
  Publish(2, 2, {.event = "x"});
  Publish(3, 3, {.event = "z", .headers = {{"h", ""}}});
  Publish(4, 4, {.event = "y.1", .rooms = {"other"}, .headers = {{"h", ""}}});
  Publish(5, 5, {.event = "y.1", .except_clients = {member_.id}, .headers = {{"h", ""}}});
  Publish(6, 7, {.event = "y.1", .rooms = {"b", "a"}, .headers = {{"h", ""}}});
  Publish(8, 8, {.event = "z"});
  Publish(9, 9, {.event = "x", .headers = {{"h", ""}}});
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("1", "6", "gap 7-9"));
  EXPECT_EQ(heard.gaps[0].count(), 2u);
}

TEST_F(Policies, DropNewestWaitsInEachQueueByItself) {
  auto listener = Listen(DropNewest(1));
  Publish(1, 2, {.queue = "a"});
  Publish(3, 3, {.queue = "b"});
  EXPECT_THAT(listener->HearAll().order, testing::UnorderedElementsAre("1", "gap 2-2", "3"));
}

TEST_F(Policies, DropNewestDoesNotCountWhatWasThereBefore) {
  Publish(1, 5);
  v1::SubscribeRequest request = DropNewest(2, {{"DB", ""}});
  *request.mutable_start() = Earliest();
  auto listener = Listen(request);
  Publish(6, 9);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("1", "2", "3", "4", "5", "6", "7", "gap 8-9"));
}

TEST_F(Policies, DropNewestTellsApartWhatALiveQueueGaveUp) {
  auto listener = Listen(DropNewest(3));
  Publish(1, 30);
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "gap 4-30"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
  EXPECT_EQ(heard.gaps[0].count(), 3u);
  EXPECT_EQ(heard.gaps[1].reason(), v1::GAP_REASON_DROPPED_NEWEST);
  EXPECT_EQ(heard.gaps[1].count(), 27u);
  EXPECT_EQ(listener->Position("DB").sequence(), 30u);
  Publish(31, 31);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("31"));
}

TEST_F(Policies, DropNewestCountsOnlyWhatWaitedOfWhatALiveQueueGaveUp) {
  member_ = world_.Connect("", {"a"});
  auto listener = Listen(DropNewest(2));
  for (int i = 0; i < 2; ++i) {
    Publish(1, 1, {.rooms = {"a"}});
    Publish(1, 1, {.rooms = {"b"}});
  }
  Publish(1, 2, {.rooms = {"a"}});
  Publish(1, 20, {.rooms = {"b"}});
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-4", "gap 5-6"));
  EXPECT_EQ(heard.gaps[0].count(), 2u);
  EXPECT_EQ(heard.gaps[1].count(), 2u);
}

TEST_F(Policies, DropNewestReadsWhatWaitsFromDisk) {
  auto listener = Listen(DropNewest(15));
  Publish(1, 40, {.queue = "D"});
  std::vector<std::string> expected;
  for (int i = 1; i <= 15; ++i) expected.push_back(absl::StrCat(i));
  expected.push_back("gap 16-40");
  EXPECT_EQ(HearAll(listener.get()).order, expected);
  Publish(41, 42, {.queue = "D"});
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("41", "42"));
}

TEST_F(Policies, DropNewestDoesNotForgetDropsWhenARoomIsLeft) {
  member_ = world_.Connect("", {"a"});
  auto listener = Listen(DropNewest(1));
  Publish(1, 3, {.rooms = {"a"}});
  ASSERT_TRUE(world_.Leave(member_, {"a"}).ok());
  Publish(4, 4, {.rooms = {"a"}});
  EXPECT_THAT(listener->HearAll().order, ElementsAre("1", "gap 2-3"));
}

TEST_F(Policies, DropNewestDoesNotCountWhatComesForARoomThatWasLeft) {
  member_ = world_.Connect("", {"a"});
  auto listener = Listen(DropNewest(2));
  auto stays = world_.Listen(world_.Connect("", {"a"}));
  ASSERT_TRUE(world_.Leave(member_, {"a"}).ok());
  Publish(1, 2, {.rooms = {"a"}});
  Publish(3, 4);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("3", "4"));
  EXPECT_THAT(stays->Payloads(), ElementsAre("1", "2", "3", "4"));
}

TEST_F(Policies, HoldReadsFromDiskWhatIsNoLongerInMemory) {
  v1::SubscribeRequest request = SubscribeTo(member_, {{"**", ""}});
  request.set_overflow(v1::OVERFLOW_HOLD);
  auto listener = Listen(request);
  Publish(1, 40, {.queue = "D"});
  std::vector<std::string> expected;
  for (int i = 1; i <= 40; ++i) expected.push_back(absl::StrCat(i));
  EXPECT_EQ(HearAll(listener.get()).order, expected);
}

TEST_F(Policies, EachListenerOfAChannelIsToldByItsOwnPolicy) {
  auto all = world_.Listen(member_);
  auto newest = Listen(DropNewest(1));
  auto latest = Listen(KeepLatest());
  PublishKeys({"a", "a", "a"});
  EXPECT_THAT(all->HearAll().order, ElementsAre("a1", "a2", "a3"));
  EXPECT_THAT(newest->HearAll().order, ElementsAre("a1", "gap 2-3"));
  EXPECT_THAT(latest->HearAll().order, ElementsAre("gap 1-2", "a3"));
}

TEST_F(Policies, KeepLatestSkipsWhatALaterMessageOfItsKeySupersedes) {
  auto listener = Listen(KeepLatest());
  PublishKeys({"a", "a", "b", "a", "b"});
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "a4", "b5"));
  EXPECT_EQ(heard.gaps[0].count(), 3u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SUPERSEDED);
}

TEST_F(Policies, KeepLatestLeavesWhatHasNoKey) {
  auto listener = Listen(KeepLatest());
  PublishKeys({"", "a", "", "a"});
  EXPECT_THAT(listener->HearAll().order, ElementsAre("1", "gap 2-2", "3", "a4"));
}

TEST_F(Policies, KeepLatestChangesNothingForWhoKeepsUp) {
  auto listener = Listen(KeepLatest());
  for (int i = 1; i <= 30; ++i) {
    PublishKeys({"a"});
    EXPECT_THAT(listener->HearAll().order, ElementsAre(absl::StrCat("a", i)));
  }
}

TEST_F(Policies, KeepLatestLooksOnlyAtWhatTheSubscriptionHears) {
  auto listener = Listen(KeepLatest({{"DB", "x"}}));
  PublishKeys({"a"}, {.event = "x"});
  PublishKeys({"a"}, {.event = "y"});
  PublishKeys({"a"}, {.event = "x", .rooms = {"other"}});
  PublishKeys({"a"}, {.event = "x", .except_clients = {member_.id}});
  EXPECT_THAT(listener->HearAll().order, ElementsAre("a1"));
}

TEST_F(Policies, KeepLatestTellsApartWhatExpired) {
  auto listener = Listen(KeepLatest());
  PublishKeys({"k"});
  PublishKeys({"x"}, {.expire_at = world_.clock().Now() + absl::Seconds(10)});
  PublishKeys({"k"});
  world_.clock().Advance(absl::Seconds(10));
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-1", "gap 2-2", "k3"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SUPERSEDED);
  EXPECT_EQ(heard.gaps[1].reason(), v1::GAP_REASON_EXPIRED);
}

TEST_F(Policies, KeepLatestIsToldWhatTheQueueGaveUp) {
  auto listener = Listen(KeepLatest());
  PublishKeys({"a", "b", "c", "a", "a", "b", "a", "a", "a", "a", "a", "a"});
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-2", "c3", "gap 4-5", "b6", "gap 7-11", "a12"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
  EXPECT_EQ(heard.gaps[1].reason(), v1::GAP_REASON_SUPERSEDED);
}

TEST_F(Policies, WhatTheyDropIsCounted) {
  auto listener = Listen(DropNewest(1));
  auto latest = Listen(KeepLatest());
  PublishKeys({"a", "a", "a"});
  listener->HearAll();
  latest->HearAll();
  v1::NamespaceInfo info;
  world_.name_space().Describe(&info);
  EXPECT_EQ(info.counters().dropped_messages(), 4u);
  EXPECT_EQ(info.counters().delivered_messages(), 2u);
}

TEST_F(Policies, WaitingMessagesAreBoundedByTheLimit) {
  World world("limits { overflow_messages: 5 }");
  member_ = world.Connect();
  for (const uint64_t messages : {4, 5}) EXPECT_TRUE(world.TryListen(DropNewest(messages)).ok()) << messages;
  const absl::Status status = world.TryListen(DropNewest(6)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "overflow_messages");
  auto listener = world.TryListen(DropNewest(0));
  ASSERT_TRUE(listener.ok());
  world.Overrun("DB", 8);
  EXPECT_THAT((*listener)->HearAll().messages, SizeIs(5));
}

// A subscriber of either policy against what it must hear, at random.
class PolicyModel : public Policies, public testing::WithParamInterface<uint64_t> {
 protected:
  struct Coming {
    uint64_t sequence;
    std::string key;
    bool dropped = false;
  };

  int Pick(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }

  // Publishes one message, for the subscriber or not.
  void Come() {
    const int room = Pick(4);
    Post post{.queue = queue_, .key = Pick(4) == 0 ? "" : absl::StrCat("k", Pick(3))};
    if (room == 1) post.rooms = {"mine"};
    if (room == 2) post.rooms = {"mine", "too"};
    if (room == 3) post.rooms = {"other"};
    const auto published = world_.Publish(post);
    ASSERT_TRUE(published.ok());
    if (room == 3) return;
    Coming coming{published->sequence(), post.key};
    const auto waits = std::count_if(coming_.begin(), coming_.end(), [](const Coming& one) { return !one.dropped; });
    coming.dropped = newest_ && static_cast<uint64_t>(waits) >= messages_max_;
    coming_.push_back(coming);
  }

  bool Superseded(size_t at) const {
    return !newest_ && !coming_[at].key.empty() &&
           std::any_of(coming_.begin() + static_cast<int64_t>(at) + 1, coming_.end(),
                       [&](const Coming& later) { return later.key == coming_[at].key; });
  }

  // What was heard must be what comes next.
  void Check(const Heard& heard) {
    for (const v1::Message& message : heard.messages) {
      ASSERT_FALSE(coming_.empty());
      EXPECT_FALSE(coming_.front().dropped);
      EXPECT_FALSE(Superseded(0));
      ASSERT_EQ(message.sequence(), coming_.front().sequence);
      coming_.erase(coming_.begin());
    }
    for (const v1::Gap& gap : heard.gaps) {
      uint64_t count = 0;
      while (!coming_.empty() && coming_.front().sequence <= gap.last()) {
        EXPECT_GE(coming_.front().sequence, gap.first());
        const bool right = gap.reason() == v1::GAP_REASON_DROPPED_NEWEST ? coming_.front().dropped : Superseded(0);
        EXPECT_TRUE(right) << v1::GapReason_Name(gap.reason()) << " " << coming_.front().sequence;
        coming_.erase(coming_.begin());
        ++count;
      }
      EXPECT_EQ(gap.count(), count);
      EXPECT_GE(count, 1u);
    }
  }

  void Run(const std::string& queue, bool newest) {
    queue_ = queue;
    newest_ = newest;
    const bool on_disk = queue == "B";
    member_ = world_.Connect("", {"mine", "too"});
    for (int round = 0; round < 30; ++round) {
      messages_max_ = 1 + Pick(4);
      coming_.clear();
      auto listener = Listen(newest ? DropNewest(messages_max_) : KeepLatest());
      for (int step = 0; step < 40; ++step) {
        // Never more than a live queue holds.
        for (int i = Pick(on_disk ? 30 : 4); i > 0 && (on_disk || coming_.size() < 3); --i) Come();
        Check(listener->HearOnce(1 + Pick(300)));
        if (on_disk) world_.storage().log().Flush();
      }
      CheckRest(listener.get());
      EXPECT_THAT(coming_, IsEmpty());
      if (HasFailure()) return;
    }
  }
  void CheckRest(Listener* listener) {
    for (int quiet = 0; quiet < 3;) {
      const Heard heard = listener->HearOnce(500);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      Check(heard);
      world_.storage().log().Flush();
    }
  }

  std::mt19937_64 random_{GetParam()};
  std::string queue_;
  bool newest_ = false;
  uint64_t messages_max_ = 0;
  std::vector<Coming> coming_;  // and not yet heard
};

TEST_P(PolicyModel, DropNewestOfALiveQueue) { Run("L", true); }
TEST_P(PolicyModel, DropNewestOfAQueueOnDisk) { Run("B", true); }
TEST_P(PolicyModel, KeepLatestOfALiveQueue) { Run("L", false); }

INSTANTIATE_TEST_SUITE_P(Seeds, PolicyModel, ::testing::Range<uint64_t>(1, 4));

}  // namespace
}  // namespace nmq::broker
