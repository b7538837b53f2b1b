// Queues whose messages are on disk: what a restart leaves, who is replayed what, and what the retention takes.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/await.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/notification.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The ring in memory holds five messages.
constexpr char kDurable[] = R"(
    limits { queue_messages: 5 }
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE }
      queue { name: "B" durability: DURABILITY_BUFFERED }
    })";

// A server that can be started again on the same directory.
class Durable : public testing::Test {
 protected:
  Durable() { Start(); }

  void Start(const std::string& config = kDurable) {
    world_ = nullptr;
    world_ = std::make_unique<World>(config, /*lanes=*/1, directory_);
  }

  std::vector<uint64_t> PublishNumbers(int first, int last, const std::vector<std::string>& rooms = {}) {
    std::vector<uint64_t> sequences;
    for (int i = first; i <= last; ++i) {
      const auto published = world_->Publish({.queue = "D", .payload = std::to_string(i), .rooms = rooms});
      EXPECT_TRUE(published.ok()) << published.status();
      if (published.ok()) sequences.push_back(published->sequence());
    }
    return sequences;
  }

  // What comes, blocks from disk included.
  Heard HearAll(Listener* listener) {
    Heard all;
    for (int quiet = 0; quiet < 2;) {
      Heard heard = listener->HearAll(1000);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      std::move(heard.messages.begin(), heard.messages.end(), std::back_inserter(all.messages));
      std::move(heard.gaps.begin(), heard.gaps.end(), std::back_inserter(all.gaps));
      std::move(heard.order.begin(), heard.order.end(), std::back_inserter(all.order));
      if (all.status.ok()) all.status = heard.status;
      world_->storage().log().Flush();
    }
    return all;
  }
  std::vector<std::string> Replay(const Member& member, const v1::StartPosition& start = Earliest(),
                                  const std::string& event = "") {
    auto listener = world_->Listen(member, {{"D", event}}, start);
    return HearAll(listener.get()).order;
  }

  World& world() { return *world_; }
  const std::string directory_ = FreshDirectory();

 private:
  std::unique_ptr<World> world_;
};

std::vector<std::string> Numbers(int first, int last) {
  std::vector<std::string> numbers;
  for (int i = first; i <= last; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

TEST_F(Durable, QueueSurvivesARestartWithItsMessagesSequencesAndEpoch) {
  PublishNumbers(1, 20);
  const auto before = world().Publish({.queue = "D", .payload = "21"});
  ASSERT_TRUE(before.ok());
  Start();
  const auto after = world().Publish({.queue = "D", .payload = "22"});
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->sequence(), 22u);
  EXPECT_EQ(after->epoch(), before->epoch());
  EXPECT_EQ(Replay(world().Connect()), Numbers(1, 22));
}

TEST_F(Durable, LiveQueueBesideItDoesNotSurvive) {
  ASSERT_TRUE(world().Publish({.queue = "L", .payload = "gone"}).ok());
  Start();
  auto listener = world().Listen(world().Connect(), {{"**", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, IsEmpty());
}

TEST_F(Durable, AnswerSaysWhereTheMessageIs) {
  EXPECT_EQ(world().Publish({.queue = "D"})->storage(), v1::STORAGE_SYNCED);
  EXPECT_EQ(world().Publish({.queue = "B"})->storage(), v1::STORAGE_BUFFERED);
  EXPECT_EQ(world().Publish({.queue = "L"})->storage(), v1::STORAGE_MEMORY);
}

TEST_F(Durable, LaggingSubscriberReadsFromDiskAndCatchesUpIntoTheLivePath) {
  auto listener = world().Listen(world().Connect(), {{"D", ""}});
  PublishNumbers(1, 100);
  const Heard heard = HearAll(listener.get());
  EXPECT_EQ(heard.order, Numbers(1, 100));
  PublishNumbers(101, 103);
  EXPECT_EQ(HearAll(listener.get()).order, Numbers(101, 103));
}

TEST_F(Durable, LaggingBehindInTheMiddleOfAStreamLosesAndDoublesNothing) {
  auto listener = world().Listen(world().Connect("", {"room"}), {{"D", ""}});
  std::vector<std::string> heard;
  int published = 0;
  for (int round = 0; round < 30; ++round) {
    PublishNumbers(published + 1, published + round,
                   round % 3 == 0 ? std::vector<std::string>{"room"} : std::vector<std::string>{});
    published += round;
    const Heard some = listener->HearOnce(150);
    heard.insert(heard.end(), some.order.begin(), some.order.end());
  }
  const Heard rest = HearAll(listener.get());
  heard.insert(heard.end(), rest.order.begin(), rest.order.end());
  EXPECT_EQ(heard, Numbers(1, published));
}

TEST_F(Durable, SubscriberThatDropsTheOldestIsToldAGapInstead) {
  v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{"D", ""}});
  request.set_overflow(v1::OVERFLOW_DROP_OLDEST);
  auto listener = world().TryListen(request);
  ASSERT_TRUE(listener.ok());
  PublishNumbers(1, 8);
  EXPECT_THAT(HearAll(listener->get()).order, ElementsAre("gap 1-3", "4", "5", "6", "7", "8"));
}

TEST_F(Durable, SubscriberThatWantsToBeDisconnectedIs) {
  v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{"D", ""}});
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  auto listener = world().TryListen(request);
  ASSERT_TRUE(listener.ok());
  PublishNumbers(1, 8);
  EXPECT_EQ(ReasonOf(HearAll(listener->get()).status), "SLOW_SUBSCRIBER");
}

TEST_F(Durable, RoomsMessagesAreReplayedToWhoIsInTheRoomWhenItReads) {
  world().Connect("", {"kitchen"});
  PublishNumbers(1, 10, {"kitchen"});
  PublishNumbers(11, 12);
  EXPECT_EQ(Replay(world().Connect("", {"kitchen"})), Numbers(1, 12));
  EXPECT_EQ(Replay(world().Connect("", {"cellar"})), Numbers(11, 12));
  Start();
  EXPECT_EQ(Replay(world().Connect("", {"kitchen"})), Numbers(1, 12));
  EXPECT_EQ(Replay(world().Connect("", {"cellar"})), Numbers(11, 12));
}

TEST_F(Durable, MessageForARoomThatNobodyIsInWaitsForWhoeverJoins) {
  PublishNumbers(1, 1, {"later"});
  EXPECT_THAT(Replay(world().Connect("", {"later"})), ElementsAre("1"));
}

TEST_F(Durable, WhoLeftARoomStillHearsWhatWasPublishedBefore) {
  const Member member = world().Connect("", {"kitchen"});
  auto listener = world().Listen(member, {{"D", ""}});
  PublishNumbers(1, 20, {"kitchen"});
  ASSERT_TRUE(world().Leave(member, {"kitchen"}).ok());
  PublishNumbers(21, 30, {"kitchen"});
  EXPECT_EQ(HearAll(listener.get()).order, Numbers(1, 20));
}

TEST_F(Durable, ExceptedRoomsAndClientsHearNothingFromDisk) {
  const Member in = world().Connect("", {"out"});
  ASSERT_TRUE(world().Publish({.queue = "D", .payload = "a", .except_rooms = {"out"}}).ok());
  ASSERT_TRUE(world().Publish({.queue = "D", .payload = "b", .except_clients = {in.id}}).ok());
  PublishNumbers(1, 10);
  EXPECT_EQ(Replay(in), Numbers(1, 10));
  EXPECT_THAT(Replay(world().Connect()), SizeIs(12));
}

TEST_F(Durable, EventsAreFilteredFromDisk) {
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(
        world().Publish({.queue = "D", .event = i % 2 == 0 ? "even" : "odd.one", .payload = std::to_string(i)}).ok());
  }
  EXPECT_THAT(Replay(world().Connect(), Earliest(), "even"), SizeIs(10));
  EXPECT_THAT(Replay(world().Connect(), Earliest(), "odd.*"), SizeIs(10));
}

TEST_F(Durable, LastMessagesAreFoundOnDisk) {
  PublishNumbers(1, 50);
  PublishNumbers(51, 60, {"elsewhere"});
  EXPECT_EQ(Replay(world().Connect(), Last(3)), Numbers(48, 50));
  EXPECT_EQ(Replay(world().Connect(), Last(1000)), Numbers(1, 50));
  Start();
  EXPECT_EQ(Replay(world().Connect(), Last(20)), Numbers(31, 50));
}

TEST_F(Durable, StartsAtATime) {
  PublishNumbers(1, 10);
  world().clock().Advance(absl::Seconds(10));
  PublishNumbers(11, 20);
  v1::StartPosition start;
  start.mutable_time()->set_seconds(absl::ToUnixSeconds(world().clock().Now()) - 5);
  EXPECT_EQ(Replay(world().Connect(), start), Numbers(11, 20));
  start.mutable_time()->set_seconds(1);
  EXPECT_EQ(Replay(world().Connect(), start), Numbers(1, 20));
  start.mutable_time()->set_seconds(absl::ToUnixSeconds(world().clock().Now()) + 5);
  EXPECT_THAT(Replay(world().Connect(), start), IsEmpty());
}

TEST_F(Durable, ResumesAfterARestartWithoutAGap) {
  auto listener = world().Listen(world().Connect(), {{"D", ""}}, Earliest());
  PublishNumbers(1, 7);
  EXPECT_EQ(HearAll(listener.get()).order, Numbers(1, 7));
  PublishNumbers(8, 30);
  const v1::Resume positions = listener->Positions();
  listener = nullptr;
  Start();
  PublishNumbers(31, 40);
  EXPECT_EQ(Replay(world().Connect(), ResumeFrom(positions)), Numbers(8, 40));
}

TEST_F(Durable, PositionThatWasNotReachedIsOutOfRange) {
  PublishNumbers(1, 3);
  const auto listener = world().TryListen(SubscribeTo(world().Connect(), {{"D", ""}}, FromSequence(5)));
  EXPECT_EQ(listener.status().code(), absl::StatusCode::kOutOfRange);
}

constexpr char kKept[] = R"(
    limits { queue_messages: 5 }
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE retention { messages: 10 age { seconds: 100 } } }
    })";

TEST_F(Durable, RetentionByMessagesIsAGapForWhoWasBehind) {
  Start(kKept);
  auto listener = world().Listen(world().Connect(), {{"D", ""}});
  PublishNumbers(1, 30);
  world().Housekeep();
  const Heard heard = HearAll(listener.get());
  std::vector<std::string> expected = Numbers(21, 30);
  expected.insert(expected.begin(), "gap 1-20");
  EXPECT_EQ(heard.order, expected);
  EXPECT_EQ(heard.gaps.at(0).count(), 20u);
  listener = nullptr;
  Start(kKept);
  EXPECT_EQ(Replay(world().Connect()), Numbers(21, 30));
}

TEST_F(Durable, RetentionByAge) {
  Start(kKept);
  PublishNumbers(1, 3);
  world().clock().Advance(absl::Seconds(60));
  PublishNumbers(4, 6);
  world().clock().Advance(absl::Seconds(60));
  world().Housekeep();
  EXPECT_EQ(Replay(world().Connect()), Numbers(4, 6));
}

TEST_F(Durable, RetentionByBytes) {
  Start(R"(namespace {
    name: "default"
    queue { name: "D" durability: DURABILITY_DURABLE retention { bytes: 2000 } }
  })");
  PublishNumbers(1, 100);
  world().Housekeep();
  const std::vector<std::string> kept = Replay(world().Connect());
  ASSERT_THAT(kept, testing::Not(IsEmpty()));
  EXPECT_LT(kept.size(), 20u);
  EXPECT_EQ(kept.back(), "100");
}

TEST_F(Durable, BatchOfLiveAndDurableMessagesIsTakenWhole) {
  auto listener = world().Listen(world().Connect(), {{"**", ""}});
  PublishStream stream(&world().broker(), TestCall());
  v1::PublishStreamRequest request;
  for (const char* queue : {"D", "L", "D"}) *request.add_messages() = ToMessage({.queue = queue, .payload = queue});
  v1::PublishStreamResponse response;
  ASSERT_TRUE(PublishOn(&stream, request, &response).ok());
  ASSERT_EQ(response.accepted().ranges_size(), 2);
  EXPECT_EQ(response.accepted().ranges(0).last(), 2u);
  EXPECT_EQ(response.accepted().storage(), v1::STORAGE_MEMORY);
  EXPECT_THAT(HearAll(listener.get()).messages, SizeIs(3));
}

TEST_F(Durable, WhatTheDiskDoesNotKeepUpWithIsRefused) {
  Start(R"(
      limits { unwritten_bytes: 1048576 }
      namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })");
  const auto request_of = [](size_t bytes) {
    v1::PublishRequest request;
    *request.mutable_message() = ToMessage({.queue = "D", .payload = std::string(bytes, 'x')});
    return request;
  };
  // As long as somebody has not been told, nothing further is written.
  Notification told;
  Notification go_on;
  v1::PublishRequest first = request_of(1);
  world().broker().Publish(TestCall(), &first, [&](const absl::StatusOr<v1::PublishResponse>&) {
    told.Notify();
    go_on.WaitForNotification();
  });
  told.WaitForNotification();
  Notification written;
  v1::PublishRequest second = request_of(1000 << 10);
  world().broker().Publish(TestCall(), &second, [&](const absl::StatusOr<v1::PublishResponse>& answer) {
    EXPECT_TRUE(answer.ok()) << answer.status();
    written.Notify();
  });
  v1::PublishRequest third = request_of(100 << 10);
  const absl::Status refused = PublishTo(&world().broker(), &third).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(refused, "limit"), "unwritten_bytes");
  EXPECT_EQ(MetadataOf(refused, "bound"), "1048576");
  go_on.Notify();
  written.WaitForNotification();
  EXPECT_TRUE(PublishTo(&world().broker(), &third).ok());
}

TEST_F(Durable, ExpectedLastSequenceIsKeptAcrossARestart) {
  PublishNumbers(1, 3);
  Start();
  v1::PublishRequest request;
  *request.mutable_message() = ToMessage({.queue = "D"});
  request.set_expected_last_sequence(2);
  EXPECT_EQ(ReasonOf(PublishTo(&world().broker(), &request).status()), "SEQUENCE_MISMATCH");
  *request.mutable_message() = ToMessage({.queue = "D"});
  request.set_expected_last_sequence(3);
  EXPECT_EQ(PublishTo(&world().broker(), &request)->sequence(), 4u);
}

TEST_F(Durable, QueueCannotBecomeAnotherKind) {
  Start(R"(namespace { name: "default" queue { name: "other" durability: DURABILITY_DURABLE } })");
  EXPECT_THAT(world().storage().UnopenedQueues(), ElementsAre("default/B", "default/D"));
  const auto opened = world().storage().OpenQueue("default", "B", v1::DURABILITY_DURABLE);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(opened.status()), "OTHER_DURABILITY");
}

TEST_F(Durable, NamespacesKeepTheirQueuesApartOnDisk) {
  const std::string two = R"(
      namespace { name: "one" queue { name: "D" durability: DURABILITY_DURABLE } }
      namespace { name: "two" queue { name: "D" durability: DURABILITY_DURABLE } })";
  Start(two);
  ASSERT_TRUE(world().Publish({.queue = "D", .payload = "1"}, "one").ok());
  ASSERT_TRUE(world().Publish({.queue = "D", .payload = "2"}, "two").ok());
  Start(two);
  EXPECT_THAT(Replay(world().Connect("one")), ElementsAre("1"));
  EXPECT_THAT(Replay(world().Connect("two")), ElementsAre("2"));
}

TEST_F(Durable, WhoeverIsGoneIsNotSearchedForAnyMore) {
  PublishNumbers(1, 20);
  const auto found = [](const Queue& queue, const broker::Start& start, bool wanted) {
    EventFilter all;
    all.all = true;
    SearchFor who;
    who.memberships = std::make_shared<Memberships>(0);
    who.wanted = [wanted] { return wanted; };
    return Await<absl::StatusOr<uint64_t>>(
        [&](FoundSequence done) { queue.FindStart(start, all, who, std::move(done)); });
  };
  world().name_space().VisitQueues("", 10, [&](const Queue& queue) {
    broker::Start start;
    start.kind = broker::Start::Kind::kLast;
    start.number = 3;
    if (queue.name() != "D") return true;
    EXPECT_EQ(*found(queue, start, /*wanted=*/true), 18u);
    EXPECT_TRUE(absl::IsCancelled(found(queue, start, /*wanted=*/false).status()));
    return true;
  });
}

}  // namespace
}  // namespace nmq::broker
