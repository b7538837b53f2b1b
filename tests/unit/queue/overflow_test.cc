// What happens to those who read too slowly, and does not happen to the others.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kFiveHeld[] = "limits { queue_messages: 5 }";

v1::SubscribeRequest Disconnecting(const Member& member, const Wants& wants = {{"**", ""}}) {
  v1::SubscribeRequest request = SubscribeTo(member, wants);
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  return request;
}

TEST(Overflow, DropOldestSkipsWithAnExactGapAndGoesOn) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  for (int i = 1; i <= 8; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "4", "5", "6", "7", "8"));
  EXPECT_EQ(heard.gaps[0].queue(), "DB");
  EXPECT_EQ(heard.gaps[0].epoch(), heard.messages[0].epoch());
  EXPECT_EQ(heard.gaps[0].count(), 3u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
  ASSERT_TRUE(world.Publish({.payload = "9"}).ok());
  EXPECT_THAT(listener->HearAll().order, ElementsAre("9"));
}

TEST(Overflow, GapBeginsAfterTheLastMessageHeard) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("1"));
  for (int i = 5; i <= 9; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  EXPECT_THAT(listener->HearAll(1).order, ElementsAre("gap 2-4", "5", "6", "7", "8", "9"));
}

TEST(Overflow, SeveralGapsCountEverythingOnce) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  uint64_t published = 0;
  uint64_t heard = 0;
  uint64_t missed = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < round; ++i, ++published) ASSERT_TRUE(world.Publish({}).ok());
    const Heard some = listener->HearOnce(150);
    heard += some.messages.size();
    for (const v1::Gap& gap : some.gaps) {
      missed += gap.count();
      EXPECT_EQ(gap.count(), gap.last() - gap.first() + 1);
    }
  }
  heard += listener->HearAll().messages.size();
  EXPECT_EQ(heard + missed, published);
}

TEST(Overflow, BacklogThatIsOverrunWhileCatchingUpIsAGap) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  for (int i = 1; i <= 5; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  auto listener = world.Listen(member, {{"DB", ""}}, Earliest());
  EXPECT_THAT(listener->HearOnce(1).order, ElementsAre("1"));
  for (int i = 6; i <= 8; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  EXPECT_THAT(listener->HearAll(1).order, ElementsAre("gap 2-3", "4", "5", "6", "7", "8"));
}

TEST(Overflow, StartGapThatGrowsBeforeItIsTold) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  for (int i = 1; i <= 8; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  auto listener = world.Listen(member, {{"DB", ""}}, FromSequence(1));
  for (int i = 9; i <= 10; ++i) ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "gap 4-5", "6", "7", "8", "9", "10"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_NOT_HELD);
  EXPECT_EQ(heard.gaps[1].reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
}

TEST(Overflow, QuietRoomOfABusyQueueHasNoGap) {
  World world(kFiveHeld);
  const Member busy = world.Connect("", {"busy"});
  const Member quiet = world.Connect("", {"quiet"});
  auto listener = world.Listen(quiet);
  for (int i = 0; i < 3; ++i) {
    world.Overrun("DB", 20, "busy");
    EXPECT_THAT(listener->HearAll().order, IsEmpty());
    ASSERT_TRUE(world.Publish({.payload = "quiet", .rooms = {"quiet"}}).ok());
    EXPECT_THAT(listener->HearAll().order, ElementsAre("quiet"));
    world.Overrun("DB", 20, "busy");
    ASSERT_TRUE(world.Publish({.payload = "quiet", .rooms = {"quiet"}}).ok());
    EXPECT_THAT(listener->HearAll().order, ElementsAre("quiet"));
  }
  EXPECT_TRUE(listener->subscription().CheckOverflow().ok());
}

TEST(Overflow, QuietEventOfABusyQueueHasNoGap) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.TryListen(Disconnecting(member, {{"DB", "rare"}, {"DB", "rarer"}}));
  ASSERT_TRUE(listener.ok());
  for (int i = 0; i < 3; ++i) {
    world.Overrun("DB", 20);
    ASSERT_TRUE(world.Publish({.event = "rare", .payload = "rare"}).ok());
    const Heard heard = (*listener)->HearAll();
    EXPECT_THAT(heard.order, ElementsAre("rare"));
    EXPECT_TRUE(heard.status.ok()) << heard.status;
  }
  world.Overrun("DB", 20);
  EXPECT_TRUE((*listener)->subscription().CheckOverflow().ok());
}

TEST(Overflow, QuietPatternOfABusyQueueHasNoGap) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.TryListen(Disconnecting(member, {{"DB", "rare.*"}, {"DB", "rarer.**"}}));
  ASSERT_TRUE(listener.ok());
  for (int i = 0; i < 3; ++i) {
    world.Overrun("DB", 20);
    ASSERT_TRUE(world.Publish({.event = "rare.x", .payload = "rare"}).ok());
    const Heard heard = (*listener)->HearAll();
    EXPECT_THAT(heard.order, ElementsAre("rare"));
    EXPECT_TRUE(heard.status.ok()) << heard.status;
  }
  world.Overrun("DB", 20);
  EXPECT_TRUE((*listener)->subscription().CheckOverflow().ok());
}

TEST(Overflow, WhatIsLostOfSeveralChannelsCountsOnce) {
  World world(kFiveHeld);
  const Member member = world.Connect("", {"a", "b"});
  auto rooms = world.Listen(member);
  auto patterns = world.Listen(member, {{"DB", "x.*"}, {"DB", "*.y"}});
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world.Publish({.event = "x.y", .rooms = {"a", "b"}}).ok());
  for (Listener* listener : {rooms.get(), patterns.get()}) {
    const Heard heard = listener->HearAll();
    ASSERT_THAT(heard.gaps, SizeIs(1));
    EXPECT_EQ(heard.gaps[0].first(), 1u);
    EXPECT_EQ(heard.gaps[0].last(), 3u);
    EXPECT_EQ(heard.gaps[0].count(), 3u);
    EXPECT_THAT(heard.messages, SizeIs(5));
  }
}

TEST(Overflow, WhatIsLostOfManyPatternsIsCounted) {
  World world(kFiveHeld);
  Wants wants;
  for (int i = 0; i < 64; ++i) wants.emplace_back("DB", absl::StrCat("mine", i, i % 2 == 0 ? "" : ".*"));
  auto listener = world.Listen(world.Connect(), wants);
  world.Overrun("DB", 3);
  for (const char* event : {"mine0", "mine63.x", "mine30"}) ASSERT_TRUE(world.Publish({.event = event}).ok());
  world.Overrun("DB", 20);
  for (const char* event : {"mine63.x", "mine2"}) ASSERT_TRUE(world.Publish({.event = event, .payload = event}).ok());
  const Heard heard = listener->HearAll();
  ASSERT_THAT(heard.gaps, SizeIs(1));
  EXPECT_EQ(heard.gaps[0].count(), 3u);
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_SLOW_SUBSCRIBER);
  EXPECT_THAT(heard.payloads(), ElementsAre("mine63.x", "mine2"));
}

TEST(Overflow, ClientOfNoRoomMissesNothingOfRooms) {
  World world(kFiveHeld);
  world.Connect("", {"busy"});
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  world.Overrun("DB", 50, "busy");
  ASSERT_TRUE(world.Publish({.payload = "mine", .clients = {member.id}}).ok());
  world.Overrun("DB", 4, "busy");
  EXPECT_THAT(listener->HearAll().order, ElementsAre("mine"));
}

TEST(Overflow, GapOfAQuietRoomCountsOnlyThatRoom) {
  World world(kFiveHeld);
  world.Connect("", {"busy"});
  const Member member = world.Connect("", {"quiet"});
  auto listener = world.Listen(member);
  world.Overrun("DB", 3, "busy");
  ASSERT_TRUE(world.Publish({.payload = "lost", .rooms = {"quiet"}}).ok());
  world.Overrun("DB", 20, "busy");
  ASSERT_TRUE(world.Publish({.payload = "kept", .rooms = {"quiet"}}).ok());
  const Heard heard = listener->HearAll();
  ASSERT_THAT(heard.gaps, SizeIs(1));
  EXPECT_EQ(heard.gaps[0].count(), 1u);
  EXPECT_LE(heard.gaps[0].first(), 4u);
  EXPECT_EQ(heard.gaps[0].last(), 20u);
  EXPECT_THAT(heard.payloads(), ElementsAre("kept"));
}

TEST(Overflow, LossInOneQueueDoesNotTouchTheOthers) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.queue = "FS", .payload = "f"}).ok());
  world.Overrun("DB", 6);
  const Heard heard = listener->HearAll();
  ASSERT_THAT(heard.gaps, SizeIs(1));
  EXPECT_EQ(heard.gaps[0].queue(), "DB");
  EXPECT_THAT(heard.messages, SizeIs(6));
}

TEST(Overflow, SlowListenerDoesNotDisturbTheOthers) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto slow = world.Listen(member);
  auto fast = world.Listen(member);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(world.Publish({.payload = std::to_string(i)}).ok());
    EXPECT_THAT(fast->HearAll().order, ElementsAre(std::to_string(i)));
  }
  EXPECT_THAT(slow->HearAll().messages, SizeIs(5));
}

TEST(Overflow, DisconnectEndsWithSlowSubscriber) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.TryListen(Disconnecting(member));
  ASSERT_TRUE(listener.ok());
  world.Overrun("DB", 5);
  EXPECT_TRUE((*listener)->subscription().CheckOverflow().ok());
  world.Overrun("DB", 1);
  TakeTurn(world.lane(0));
  EXPECT_EQ((*listener)->subscription().CheckOverflow().code(), absl::StatusCode::kResourceExhausted);
  const Heard heard = (*listener)->HearAll();
  EXPECT_EQ(heard.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(heard.status), "SLOW_SUBSCRIBER");
  EXPECT_EQ(MetadataOf(heard.status, "queue"), "DB");
  EXPECT_TRUE(heard.status.GetPayload(kRetryInfoTypeUrl).has_value());
  EXPECT_THAT(heard.messages, IsEmpty());
}

TEST(Overflow, DisconnectSeesLossOfALeftRoom) {
  World world(kFiveHeld);
  const Member member = world.Connect("", {"red"});
  auto listener = world.TryListen(Disconnecting(member));
  ASSERT_TRUE(listener.ok());
  ASSERT_TRUE(world.Publish({.rooms = {"red"}}).ok());
  world.Connect("", {"busy"});
  world.Overrun("DB", 6, "busy");
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  TakeTurn(world.lane(0));
  EXPECT_EQ((*listener)->subscription().CheckOverflow().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf((*listener)->HearAll().status), "SLOW_SUBSCRIBER");
}

TEST(Overflow, DisconnectSeesLossThatIsStillToBeTold) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.TryListen(Disconnecting(member));
  ASSERT_TRUE(listener.ok());
  ASSERT_TRUE(world.Publish({.queue = "FS", .payload = "f"}).ok());
  world.Overrun("DB", 6);
  // The loss comes after the other queue's message, in a frame of its own.
  EXPECT_THAT((*listener)->HearOnce(1000).order, ElementsAre("f"));
  EXPECT_EQ((*listener)->subscription().CheckOverflow().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Overflow, DisconnectDoesNotMindAStartThatIsNoLongerHeld) {
  World world(kFiveHeld);
  world.Overrun("DB", 10);
  const Member member = world.Connect();
  v1::SubscribeRequest request = Disconnecting(member, {{"DB", ""}});
  *request.mutable_start() = FromSequence(1);
  auto listener = world.TryListen(request);
  ASSERT_TRUE(listener.ok());
  const Heard heard = (*listener)->HearAll();
  EXPECT_TRUE(heard.status.ok()) << heard.status;
  EXPECT_THAT(heard.gaps, SizeIs(1));
  EXPECT_THAT(heard.messages, SizeIs(5));
}

TEST(Overflow, PolicyThatDoesNotExistIsRefused) {
  World world;
  const Member member = world.Connect();
  v1::SubscribeRequest request = SubscribeTo(member, {{"**", ""}});
  request.set_overflow(static_cast<v1::Overflow>(77));
  const absl::Status status = world.TryListen(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "overflow");
}

TEST(Overflow, LossIsCountedForSubscriptionClientAndNamespace) {
  World world(kFiveHeld);
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  world.Overrun("DB", 8);
  listener->HearAll();
  v1::ListSubscriptionsResponse subscriptions;
  ASSERT_TRUE(world.registry().ListSubscriptions(TestCall(), {}, &subscriptions).ok());
  EXPECT_EQ(subscriptions.subscriptions(0).counters().dropped_messages(), 3u);
  EXPECT_EQ(subscriptions.subscriptions(0).counters().delivered_messages(), 5u);
  v1::ListClientsResponse clients;
  ASSERT_TRUE(world.registry().ListClients(TestCall(), {}, &clients).ok());
  EXPECT_EQ(clients.clients(0).counters().dropped_messages(), 3u);
  v1::NamespaceInfo info;
  world.name_space().Describe(&info);
  EXPECT_EQ(info.counters().dropped_messages(), 3u);
  EXPECT_EQ(info.counters().delivered_messages(), 5u);
  EXPECT_EQ(info.counters().published_messages(), 8u);
}

TEST(Progress, TellsOfQueuesThatWentOnWithoutAMessageForUs) {
  World world(kFiveHeld);
  world.Connect("", {"other"});
  const Member member = world.Connect();
  auto listener = world.Listen(member, {{"**", ""}});
  world.Overrun("DB", 7, "other");
  world.Overrun("FS", 1);
  EXPECT_THAT(listener->HearAll().messages, SizeIs(1));
  const std::vector<v1::QueuePosition> positions = listener->Progress();
  ASSERT_THAT(positions, SizeIs(1));
  EXPECT_EQ(positions[0].queue(), "DB");
  EXPECT_EQ(positions[0].sequence(), 7u);
  EXPECT_THAT(listener->Progress(), IsEmpty());
  world.Overrun("DB", 3, "other");
  listener->HearAll();
  EXPECT_EQ(listener->Progress().at(0).sequence(), 10u);
  auto resumed = world.Listen(member, {{"DB", ""}}, ResumeFrom(listener->Positions()));
  EXPECT_THAT(resumed->HearAll().order, IsEmpty()) << "a false gap";
}

TEST(Progress, DoesNotPassOverWhatIsStillToBeHeard) {
  World world(kFiveHeld);
  world.Connect("", {"other"});
  const Member member = world.Connect();
  auto live = world.Listen(member);
  auto early = world.Listen(member, {{"**", ""}}, Earliest());
  ASSERT_TRUE(world.Publish({.payload = "1"}).ok());
  world.Overrun("DB", 2, "other");
  EXPECT_THAT(live->Progress(), IsEmpty());
  EXPECT_THAT(early->Progress(), IsEmpty());
  world.Overrun("DB", 5, "other");
  EXPECT_THAT(live->Progress(), IsEmpty()) << "of what is lost";
  EXPECT_THAT(live->HearAll().order, ElementsAre("gap 1-3"));
}

TEST(Progress, ComesInPortions) {
  World world;
  world.Connect("", {"other"});
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  for (int i = 0; i < 5; ++i) world.Overrun("q" + std::to_string(i), 1, "other");
  listener->HearAll();
  google::protobuf::RepeatedPtrField<v1::QueuePosition> positions;
  listener->subscription().TakeProgress(3, &positions);
  EXPECT_EQ(positions.size(), 3);
  positions.Clear();
  listener->subscription().TakeProgress(3, &positions);
  EXPECT_EQ(positions.size(), 2);
}

TEST(Retention, BoundsTheQueueInMessages) {
  World world("namespace { name: 'default' queue { name: 'DB' retention { messages: 3 } } }");
  world.Overrun("DB", 10);
  const Member member = world.Connect();
  EXPECT_THAT(world.Listen(member, {{"DB", ""}}, Earliest())->HearAll().messages, SizeIs(3));
}

v1::QueueInfo Describe(const World& world, const std::string& queue) {
  v1::ListQueuesRequest request;
  request.set_queue(queue);
  v1::ListQueuesResponse response;
  EXPECT_TRUE(world.registry().ListQueues(TestCall(), request, &response).ok());
  return response.queues_size() == 1 ? response.queues(0) : v1::QueueInfo();
}

TEST(Retention, BoundsTheQueueInBytes) {
  World world("namespace { name: 'default' queue { name: 'DB' retention { bytes: 70000 } } }");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(world.Publish({.payload = std::string(5000, 'x')}).ok());
    EXPECT_LE(Describe(world, "DB").bytes(), 70000u);
  }
  const v1::QueueInfo info = Describe(world, "DB");
  EXPECT_GT(info.bytes(), 60000u);
  EXPECT_EQ(info.last_sequence(), 100u);
  EXPECT_EQ(info.first_sequence(), 88u);
}

TEST(Retention, MessageLargerThanTheQueueIsHeldAlone) {
  World world("namespace { name: 'default' queue { name: 'DB' retention { bytes: 65536 } } }");
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "small"}).ok());
  ASSERT_TRUE(world.Publish({.payload = std::string(100000, 'x')}).ok());
  EXPECT_THAT(listener->HearAll(1000).order, ElementsAre("gap 1-1", std::string(100000, 'x')));
  ASSERT_TRUE(world.Publish({.payload = "next"}).ok());
  EXPECT_THAT(listener->HearAll().order, ElementsAre("next"));
}

TEST(Retention, BoundsTheQueueInAge) {
  World world("namespace { name: 'default' queue { name: 'DB' retention { age { seconds: 10 } } } }");
  const Member member = world.Connect();
  ASSERT_TRUE(world.Publish({.payload = "1"}).ok());
  world.clock().Advance(absl::Seconds(6));
  ASSERT_TRUE(world.Publish({.payload = "2"}).ok());
  auto slow = world.Listen(member, {{"DB", ""}}, Earliest());
  world.clock().Advance(absl::Seconds(5));
  world.Housekeep();
  EXPECT_THAT(slow->HearAll().order, ElementsAre("gap 1-1", "2"));
  world.clock().Advance(absl::Seconds(10));
  world.Housekeep();
  EXPECT_THAT(world.Listen(member, {{"DB", ""}}, Earliest())->HearAll().order, IsEmpty());
  EXPECT_EQ(Describe(world, "DB").first_sequence(), 3u);
  EXPECT_EQ(Describe(world, "DB").bytes(), 0u);
}

TEST(Retention, AllQueuesTogetherAreBounded) {
  World world("limits { all_queues_bytes: 1048576 } namespace { name: 'other' automatic_queues: true }");
  const std::string payload(10000, 'x');
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(world.Publish({.queue = "DB", .payload = payload}).ok());
  // The queue that is published to gives up its own messages.
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(world.Publish({.queue = "FS", .payload = payload}, "other").ok());
  v1::ListQueuesRequest request;
  request.set_namespace_("other");
  v1::ListQueuesResponse response;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), request, &response).ok());
  const v1::QueueInfo db = Describe(world, "DB");
  EXPECT_LE(db.bytes() + response.queues(0).bytes(), 1048576u);
  EXPECT_EQ(db.first_sequence(), 1u);
  EXPECT_GT(response.queues(0).first_sequence(), 1u);
  // What is given up elsewhere is room for it.
  world.clock().Advance(absl::Minutes(3));
  world.Housekeep();
  for (int i = 0; i < 90; ++i) ASSERT_TRUE(world.Publish({.queue = "FS", .payload = payload}, "other").ok());
  response.Clear();
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), request, &response).ok());
  EXPECT_EQ(response.queues(0).last_sequence() - response.queues(0).first_sequence() + 1, 90u);
}

TEST(Retention, IndexOfAQuietChannelDoesNotStay) {
  World world("limits { queue_messages: 1000 }");
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 5; ++i) {
    const std::string room = "r" + std::to_string(i);
    listeners.push_back(world.Listen(world.Connect("", {room})));
    world.Overrun("DB", 1000, room);
    listeners.back()->HearAll();
  }
  world.Overrun("DB", 1100, "nobody");
  for (auto& listener : listeners) {
    listener->subscription().ForEachCursor([](Cursor* cursor) {
      for (const Ear& ear : cursor->ears) EXPECT_EQ(ear.channel->sequences.size(), 0u);
    });
  }
}

TEST(Retention, IndexOfAnIdleQueueDoesNotStay) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  world.Overrun("DB", 1000);
  listener->HearAll();
  world.clock().Advance(absl::Minutes(3));
  world.Housekeep();
  listener->subscription().ForEachCursor([](Cursor* cursor) {
    for (const Ear& ear : cursor->ears) EXPECT_EQ(ear.channel->sequences.size(), 0u);
  });
}

TEST(Lag, CountsWhatIsNotYetHeard) {
  World world(kFiveHeld);
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  auto lag = [&] { return listener->subscription().Lag(); };
  EXPECT_EQ(lag(), 0u);
  world.Overrun("DB", 2);
  world.Overrun("DB", 1, "red");
  world.Overrun("DB", 1, "nobody");
  EXPECT_EQ(lag(), 3u);
  listener->HearOnce(1);
  EXPECT_EQ(lag(), 2u);
  listener->HearAll();
  EXPECT_EQ(lag(), 0u);
  ASSERT_TRUE(world.Publish({.rooms = {"red", "red"}}).ok());
  EXPECT_EQ(lag(), 1u);
  EXPECT_EQ(world.Listen(member, {{"DB", ""}}, Earliest())->subscription().Lag(), 5u);
}

}  // namespace
}  // namespace nmq::broker
