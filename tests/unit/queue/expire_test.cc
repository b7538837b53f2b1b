// Messages whose time is over are told as gaps, wherever they waited.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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

// The ring of the queue D in memory holds five messages.
constexpr char kConfig[] = R"(
    limits { queue_messages: 5 }
    namespace {
      name: "default"
      automatic_queues: true
      queue { name: "D" durability: DURABILITY_DURABLE }
    })";

class Expire : public testing::Test {
 protected:
  Expire() { Start(); }

  void Start() {
    world_ = nullptr;
    world_ = std::make_unique<World>(kConfig, /*lanes=*/1, directory_);
  }

  // A message that expires in `seconds`; 0 for never.
  void Publish(const std::string& payload, int seconds = 0, Post post = {}) {
    post.payload = payload;
    if (seconds > 0) post.expire_at = world_->clock().Now() + absl::Seconds(seconds);
    const auto published = world_->Publish(post);
    EXPECT_TRUE(published.ok()) << published.status();
  }
  void Pass(int seconds) { world_->clock().Advance(absl::Seconds(seconds)); }

  // What comes, blocks from disk included.
  Heard HearAll(Listener* listener) {
    Heard all;
    for (int quiet = 0; quiet < 2;) {
      Heard heard = listener->HearAll(1000);
      quiet = heard.order.empty() ? quiet + 1 : 0;
      std::move(heard.gaps.begin(), heard.gaps.end(), std::back_inserter(all.gaps));
      std::move(heard.order.begin(), heard.order.end(), std::back_inserter(all.order));
      world_->storage().log().Flush();
    }
    return all;
  }

  World& world() { return *world_; }

 private:
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
};

TEST_F(Expire, MessageIsHeardBeforeItsTimeAndAGapAfterwards) {
  const Member member = world().Connect();
  auto early = world().Listen(member);
  auto late = world().Listen(member);
  Publish("1", 10);
  EXPECT_THAT(early->Payloads(), ElementsAre("1"));
  Pass(10);
  const Heard heard = late->HearAll();
  EXPECT_THAT(heard.order, ElementsAre("gap 1-1"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(heard.gaps[0].count(), 1u);
  EXPECT_EQ(late->Position("DB").sequence(), 1u);
}

TEST_F(Expire, NeighboursAreOneGapBetweenWhatIsStillHeard) {
  auto listener = world().Listen(world().Connect());
  Publish("1");
  Publish("2", 10);
  Publish("3", 10);
  Publish("4", 20);
  Publish("5", 10);
  Pass(10);
  EXPECT_THAT(listener->HearAll().order, ElementsAre("1", "gap 2-3", "4", "gap 5-5"));
  Publish("6");
  EXPECT_THAT(listener->HearAll().order, ElementsAre("6"));
}

TEST_F(Expire, GapCountsOnlyWhatCouldHaveBeenHeard) {
  world().Connect("", {"other"});
  const Member member = world().Connect("", {"room"});
  auto rooms = world().Listen(member);
  auto events = world().Listen(member, {{"DB", "DELETE"}});
  Publish("1", 10, {.rooms = {"room"}});
  Publish("2", 10, {.rooms = {"other"}});
  Publish("3", 10, {.event = "DELETE", .except_clients = {member.id}});
  Publish("4", 10, {.event = "DELETE"});
  Publish("5", 10);
  Pass(10);
  const Heard of_rooms = rooms->HearAll();
  EXPECT_THAT(of_rooms.order, ElementsAre("gap 1-5"));
  EXPECT_EQ(of_rooms.gaps[0].count(), 3u);
  const Heard of_events = events->HearAll();
  EXPECT_THAT(of_events.order, ElementsAre("gap 4-4"));
  EXPECT_EQ(of_events.gaps[0].count(), 1u);
}

TEST_F(Expire, ListenersOfOneChannelAreEachToldWhatIsTrueWhenTheyRead) {
  const Member member = world().Connect();
  auto first = world().Listen(member);
  auto second = world().Listen(member);
  Publish("1");
  Publish("2", 10);
  EXPECT_THAT(first->HearAll().order, ElementsAre("1", "2"));
  Pass(10);
  EXPECT_THAT(second->HearAll().order, ElementsAre("1", "gap 2-2"));
}

TEST_F(Expire, GapOfOneQueueDoesNotSwallowAnother) {
  auto listener = world().Listen(world().Connect());
  Publish("1", 10, {.queue = "a"});
  Publish("2", 10, {.queue = "b"});
  Publish("3", 0, {.queue = "c"});
  Pass(10);
  const Heard heard = listener->HearAll();
  EXPECT_THAT(heard.order, testing::UnorderedElementsAre("gap 1-1", "gap 1-1", "3"));
  EXPECT_THAT(heard.gaps, SizeIs(2));
}

TEST_F(Expire, ScanFromTheStartTellsGapsAndLastCountsOnlyWhatIsHeard) {
  Publish("1");
  Publish("2", 10);
  Publish("3");
  Publish("4", 10);
  Pass(10);
  const Member member = world().Connect();
  EXPECT_THAT(world().Listen(member, {{"DB", ""}}, Earliest())->HearAll().order,
              ElementsAre("1", "gap 2-2", "3", "gap 4-4"));
  EXPECT_THAT(world().Listen(member, {{"DB", ""}}, Last(2))->HearAll().order,
              ElementsAre("1", "gap 2-2", "3", "gap 4-4"));
  EXPECT_THAT(world().Listen(member, {{"DB", ""}}, Last(1))->HearAll().order, ElementsAre("3", "gap 4-4"));
}

TEST_F(Expire, WhatIsOnDiskExpiresToo) {
  for (int i = 1; i <= 9; ++i) Publish(absl::StrCat(i), i % 3 == 0 ? 0 : 10, {.queue = "D"});
  Pass(10);
  const Member member = world().Connect();
  const auto heard = [&](const v1::StartPosition& start) {
    auto listener = world().Listen(member, {{"D", ""}}, start);
    return HearAll(listener.get()).order;
  };
  EXPECT_THAT(heard(Earliest()), ElementsAre("gap 1-2", "3", "gap 4-5", "6", "gap 7-8", "9"));
  EXPECT_THAT(heard(Last(2)), ElementsAre("6", "gap 7-8", "9"));
}

TEST_F(Expire, MessageOnDiskKeepsItsTimeOverARestart) {
  Publish("1", 3600, {.queue = "D"});
  Publish("2", 7200, {.queue = "D", .rooms = {"room"}});
  Start();
  const Member member = world().Connect("", {"room"});
  auto listener = world().Listen(member, {{"D", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("1", "2"));
  Pass(3600);
  listener = world().Listen(member, {{"D", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("gap 1-1", "2"));
  Pass(3600);
  listener = world().Listen(member, {{"D", ""}}, Earliest());
  EXPECT_THAT(HearAll(listener.get()).order, ElementsAre("gap 1-2"));
}

TEST_F(Expire, ResumeAfterAGapHearsWhatFollows) {
  const Member member = world().Connect();
  auto listener = world().Listen(member);
  Publish("1", 10);
  Publish("2");
  Pass(10);
  EXPECT_THAT(listener->HearOnce(1000).order, ElementsAre("gap 1-1"));
  auto resumed = world().Listen(member, {{"DB", ""}}, ResumeFrom(listener->Positions()));
  EXPECT_THAT(resumed->HearAll().order, ElementsAre("2"));
}

TEST_F(Expire, WhoMindsLossIsNotDisconnectedForIt) {
  v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{"DB", ""}});
  request.set_overflow(v1::OVERFLOW_DISCONNECT);
  auto listener = world().TryListen(request);
  ASSERT_TRUE(listener.ok());
  Publish("1", 10);
  Pass(10);
  const Heard heard = (*listener)->HearAll();
  EXPECT_TRUE(heard.status.ok()) << heard.status;
  EXPECT_THAT(heard.order, ElementsAre("gap 1-1"));
}

TEST_F(Expire, ExpiredMessagesCountAsDropped) {
  auto listener = world().Listen(world().Connect());
  Publish("1", 10);
  Publish("2", 10);
  Pass(10);
  listener->HearAll();
  v1::NamespaceInfo info;
  world().name_space().Describe(&info);
  EXPECT_EQ(info.counters().dropped_messages(), 2u);
  EXPECT_EQ(info.counters().delivered_messages(), 0u);
}

TEST_F(Expire, PastTimeIsRefused) {
  Post post;
  post.expire_at = world().clock().Now();
  const absl::Status status = world().Publish(post).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "expire_at");
}

class ExpireInGroup : public Expire {
 protected:
  std::unique_ptr<Listener> Enter() {
    v1::SubscribeRequest request = SubscribeTo(world().Connect(), {{"D", ""}});
    request.mutable_group()->set_name("g");
    auto listener = world().TryListen(request);
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }
  Heard Hear(Listener* listener) {
    for (int i = 0; i < 4; ++i) {
      world().broker().FlushToDisk();
      TakeTurn(world().lane(0));
    }
    return listener->HearAll();
  }
  v1::GroupInfo Info() {
    world().broker().FlushToDisk();
    v1::ListGroupsResponse response;
    EXPECT_TRUE(world().registry().ListGroups(TestCall(), {}, &response).ok());
    return response.groups(0);
  }
};

TEST_F(ExpireInGroup, WhatExpiredBeforeItsDeliveryIsDoneAndTold) {
  Hear(Enter().get());
  for (const char* payload : {"1", "2"}) Publish(payload, 10, {.queue = "D"});
  Publish("3", 0, {.queue = "D"});
  Pass(10);
  auto member = Enter();
  const Heard heard = Hear(member.get());
  EXPECT_THAT(heard.order, ElementsAre("gap 1-2", "3"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(heard.gaps[0].count(), 2u);
  EXPECT_EQ(Info().pending_messages(), 1u);
}

TEST_F(ExpireInGroup, DeadLetterDoesNotExpire) {
  auto member = Enter();
  Publish("1", 10, {.queue = "D", .clients = {}});
  const Heard heard = Hear(member.get());
  ASSERT_THAT(heard.order, ElementsAre("1"));
  v1::AcknowledgeRequest request;
  request.set_session(world().Connect().session);
  request.set_queue("D");
  request.set_group("g");
  request.add_acknowledgements()->set_first(1);
  request.mutable_acknowledgements(0)->set_delivery(heard.messages[0].delivery());
  request.mutable_acknowledgements(0)->set_terminate("cannot");
  Notification noted;
  world().broker().Acknowledge(TestCall(), &request,
                               [&](const absl::StatusOr<v1::AcknowledgeResponse>&) { noted.Notify(); });
  noted.WaitForNotification();
  Pass(100);
  auto letters = world().Listen(world().Connect(), {{"D.dead", ""}}, Earliest());
  EXPECT_THAT(HearAll(letters.get()).order, ElementsAre("1"));
}

TEST_F(ExpireInGroup, WhatExpiredBeforeItsNextDeliveryIsDoneAndTold) {
  auto first = Enter();
  Publish("1", 10, {.queue = "D"});
  EXPECT_THAT(Hear(first.get()).order, ElementsAre("1"));
  auto second = Enter();
  Hear(second.get());
  Pass(10);
  first->Close();
  const Heard heard = Hear(second.get());
  EXPECT_THAT(heard.order, ElementsAre("gap 1-1"));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_EXPIRED);
  EXPECT_EQ(Info().pending_messages(), 0u);
  EXPECT_EQ(Info().waiting_messages(), 0u);
  EXPECT_EQ(Info().floor_sequence(), 1u);
}

}  // namespace
}  // namespace nmq::broker
