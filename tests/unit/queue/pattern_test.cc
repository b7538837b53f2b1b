// What of a namespace's queues and events a subscription hears.
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
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a subscription with `wants` hears of these, given as queue and event, as "queue/event"; live and afterwards.
std::vector<std::string> HeardOf(const Wants& wants, const Wants& published) {
  World world("limits { patterns_per_subscription: 1024 }");
  const Member member = world.Connect("", {"room"});
  auto live = world.Listen(member, wants);
  for (const auto& [queue, event] : published) {
    const std::string payload = queue + "/" + event;
    EXPECT_TRUE(world.Publish({.queue = queue, .event = event, .payload = payload}).ok());
  }
  std::vector<std::string> heard = live->Payloads();
  std::vector<std::string> later = world.Listen(member, wants, Earliest())->Payloads();
  std::sort(heard.begin(), heard.end());  // the order between queues is not settled
  std::sort(later.begin(), later.end());
  EXPECT_EQ(heard, later);
  return heard;
}

TEST(SubscriptionPattern, NamesHearThemselvesOnly) {
  EXPECT_THAT(HeardOf({{"DB", "CREATE"}}, {{"DB", "CREATE"}, {"DB", "DELETE"}, {"FS", "CREATE"}, {"DBX", "CREATE"}}),
              ElementsAre("DB/CREATE"));
}

TEST(SubscriptionPattern, EmptyEventHearsAll) {
  EXPECT_THAT(HeardOf({{"DB", ""}}, {{"DB", "CREATE"}, {"DB", "a.b"}, {"FS", "CREATE"}}),
              ElementsAre("DB/CREATE", "DB/a.b"));
}

TEST(SubscriptionPattern, StarIsOneTokenOfAQueue) {
  EXPECT_THAT(HeardOf({{"app.*", ""}}, {{"app.db", "e"}, {"app.fs", "e"}, {"app", "e"}, {"app.fs.x", "e"}}),
              ElementsAre("app.db/e", "app.fs/e"));
}

TEST(SubscriptionPattern, DoubleStarIsTheRestOfAQueue) {
  EXPECT_THAT(HeardOf({{"app.**", ""}}, {{"app.db", "e"}, {"app.fs.x", "e"}, {"app", "e"}, {"db", "e"}}),
              ElementsAre("app.db/e", "app.fs.x/e"));
  EXPECT_THAT(HeardOf({{"**", ""}}, {{"app.db", "e"}, {"db", "e"}}), ElementsAre("app.db/e", "db/e"));
}

TEST(SubscriptionPattern, PatternsOfEvents) {
  EXPECT_THAT(HeardOf({{"DB", "row.*"}}, {{"DB", "row.new"}, {"DB", "row"}, {"DB", "row.new.x"}, {"DB", "col.new"}}),
              ElementsAre("DB/row.new"));
  EXPECT_THAT(HeardOf({{"*", "row.**"}}, {{"DB", "row.new"}, {"FS", "row.a.b"}, {"FS", "row"}, {"a.b", "row.x"}}),
              ElementsAre("DB/row.new", "FS/row.a.b"));
}

TEST(SubscriptionPattern, OverlappingPatternsHearOnce) {
  EXPECT_THAT(HeardOf({{"DB", "CREATE"}, {"DB", "CREATE"}, {"*", "CREATE"}, {"**", ""}, {"DB", "C.*"}},
                      {{"DB", "CREATE"}, {"FS", "x"}}),
              ElementsAre("DB/CREATE", "FS/x"));
}

TEST(SubscriptionPattern, EachQueueHasItsOwnEvents) {
  EXPECT_THAT(HeardOf({{"DB", "CREATE"}, {"FS", "delete"}},
                      {{"DB", "CREATE"}, {"DB", "delete"}, {"FS", "CREATE"}, {"FS", "delete"}}),
              ElementsAre("DB/CREATE", "FS/delete"));
}

TEST(SubscriptionPattern, AnyNumberOfEventNamesIsHeard) {
  for (const int names : {1, 2, 20, 63, 64, 65, 200}) {
    Wants wants;
    Wants published;
    std::vector<std::string> expected;
    for (int i = 0; i < names; ++i) {
      wants.emplace_back("DB", "event" + std::to_string(i));
      published.push_back(wants.back());
      published.emplace_back("DB", "other" + std::to_string(i));
      expected.push_back("DB/event" + std::to_string(i));
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_THAT(HeardOf(wants, published), ElementsAreArray(expected)) << names << " names";
  }
}

TEST(SubscriptionPattern, AnyNumberOfEventPatternsIsHeard) {
  for (const int patterns : {1, 2, 20, 63, 64, 65, 200}) {
    Wants wants = {{"DB", "one"}};
    Wants published = {{"DB", "one"}, {"DB", "two"}};
    std::vector<std::string> expected = {"DB/one"};
    for (int i = 1; i < patterns; ++i) {
      const std::string event = "event" + std::to_string(i);
      wants.emplace_back("DB", event + (i % 2 == 0 ? ".*" : ".**"));
      published.emplace_back("DB", event);
      published.emplace_back("DB", event + ".x");
      expected.push_back("DB/" + event + ".x");
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_THAT(HeardOf(wants, published), ElementsAreArray(expected)) << patterns << " patterns";
  }
}

TEST(SubscriptionPattern, OverlappingEventPatternsHearOnceAndInOrder) {
  EXPECT_THAT(HeardOf({{"DB", "a.*"}, {"DB", "*.b"}, {"DB", "a.b"}, {"DB", "a.**"}},
                      {{"DB", "a.b"}, {"DB", "c.b"}, {"DB", "c.d"}, {"DB", "a.d"}, {"DB", "a.b.c"}}),
              ElementsAre("DB/a.b", "DB/a.b.c", "DB/a.d", "DB/c.b"));
  World world;
  auto listener = world.Listen(world.Connect(), {{"DB", "a.*"}, {"DB", "*.b"}});
  for (const char* event : {"a.x", "a.b", "x.b", "x.x", "a.b"}) {
    ASSERT_TRUE(world.Publish({.event = event, .payload = event}).ok());
  }
  EXPECT_THAT(listener->Payloads(), ElementsAre("a.x", "a.b", "x.b", "a.b"));
}

TEST(SubscriptionPattern, ManyEventPatternsHearOnceAndInOrder) {
  World world;
  const Member member = world.Connect("", {"room"});
  Wants wants = {{"DB", "*.both"}};
  for (int i = 0; i < 63; ++i) wants.emplace_back("DB", absl::StrCat("event", i, i % 3 == 0 ? ".*" : ".both"));
  auto listener = world.Listen(member, wants);
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const int number = i * 37 % 80;
    const bool both = i % 2 == 0;
    Post post = {.event = absl::StrCat("event", number, both ? ".both" : ".one"), .payload = absl::StrCat(i)};
    if (i % 5 == 0) post.rooms = {"room", "other"};
    if (i % 7 == 0) post.clients = {member.id};
    ASSERT_TRUE(world.Publish(post).ok());
    if (both || (number < 63 && number % 3 == 0)) expected.push_back(post.payload);
  }
  EXPECT_EQ(listener->HearAll(100).payloads(), expected);
}

TEST(SubscriptionPattern, ManyEventPatternsWithManyRoomsHearWhatIsBoth) {
  using Rooms = std::vector<std::string>;
  World world;
  Rooms rooms;
  for (int i = 0; i < 40; ++i) rooms.push_back(absl::StrCat("room", i));
  const Member member = world.Connect("", rooms);
  Wants wants;
  for (int i = 0; i < 20; ++i) wants.emplace_back("DB", absl::StrCat("event", i, i % 2 == 0 ? "" : ".*"));
  auto listener = world.Listen(member, wants);
  ASSERT_TRUE(world.Join(member, {"later"}).ok());
  ASSERT_TRUE(world.Leave(member, {"room0", "room39"}).ok());
  rooms.push_back("later");
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    const int number = i * 7 % 40;
    Post post = {.event = absl::StrCat("event", number, number % 2 == 0 ? "" : ".x"), .payload = absl::StrCat(i)};
    if (i % 4 != 0) post.rooms = {rooms[i * 11 % rooms.size()]};
    if (i % 6 == 0) post.rooms.push_back("room20");
    if (i % 9 == 0) post.clients = {member.id};
    ASSERT_TRUE(world.Publish(post).ok());
    const bool gone = post.clients.empty() && (post.rooms == Rooms{"room0"} || post.rooms == Rooms{"room39"});
    if (number < 20 && !gone) expected.push_back(post.payload);
  }
  EXPECT_EQ(listener->HearAll(100).payloads(), expected);
}

TEST(SubscriptionPattern, ManyEventPatternsInManyRoomsTakeFewChannels) {
  World world;
  std::vector<std::string> rooms;
  for (int i = 0; i < 900; ++i) rooms.push_back(absl::StrCat("room", i));
  const Member member = world.Connect("", rooms);
  Wants wants;
  for (int i = 0; i < 64; ++i) wants.emplace_back("DB", absl::StrCat("event", i));
  ASSERT_TRUE(world.Publish({.queue = "DB"}).ok());
  auto listener = world.Listen(member, wants);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(world.Join(member, {absl::StrCat("later", i)}).ok());
  size_t ears = 0;
  listener->subscription().ForEachCursor([&](Cursor* cursor) { ears += cursor->ears.size(); });
  EXPECT_GE(ears, 64u + 1000u);
  EXPECT_LE(ears, 256u + 1000u);
}

// Whoever is told has to look, and a look costs something for each of them.
TEST(SubscriptionPattern, NobodyIsToldOfWhatTheyDoNotHear) {
  World world;
  const Member member = world.Connect("", {"room"});
  auto named = world.Listen(member, {{"DB", "mine"}});
  auto pattern = world.Listen(member, {{"DB", "mine.*"}, {"DB", "*.mine.**"}});
  Wants names;
  for (int i = 0; i < 64; ++i) names.emplace_back("DB", absl::StrCat("mine", i));
  auto many = world.Listen(member, names);
  for (Listener* listener : {named.get(), pattern.get(), many.get()}) listener->HearAll();
  ASSERT_TRUE(world.Publish({.event = "other.x"}).ok());
  ASSERT_TRUE(world.Publish({.event = "other.x", .rooms = {"room"}}).ok());
  TakeTurn(world.lane(0));
  EXPECT_FALSE(named->subscription().has_ready());
  EXPECT_FALSE(pattern->subscription().has_ready());
  EXPECT_FALSE(many->subscription().has_ready());
  ASSERT_TRUE(world.Publish({.event = "mine.x", .payload = "heard"}).ok());
  EXPECT_THAT(pattern->Payloads(), ElementsAre("heard"));
}

TEST(SubscriptionPattern, EventPatternsWithRoomsHearWhatIsBoth) {
  World world;
  const Member member = world.Connect("", {"a"});
  auto listener = world.Listen(member, {{"DB", "x.*"}});
  ASSERT_TRUE(world.Publish({.event = "x.1", .payload = "1", .rooms = {"a", "b"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "y.1", .payload = "2", .rooms = {"a"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "x.1", .payload = "3", .rooms = {"b"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "x.1", .payload = "4", .except_rooms = {"a"}}).ok());
  ASSERT_TRUE(world.Join(member, {"b"}).ok());
  ASSERT_TRUE(world.Publish({.event = "x.2", .payload = "5", .rooms = {"b"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"a"}).ok());
  ASSERT_TRUE(world.Publish({.event = "x.2", .payload = "6", .rooms = {"a"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1", "5"));
}

TEST(SubscriptionPattern, OneOfTwoWithTheSamePatternLeavesTheOtherItsMessages) {
  World world;
  const Member member = world.Connect();
  auto first = world.Listen(member, {{"DB", "x.*"}});
  auto second = world.Listen(member, {{"DB", "x.*"}});
  first->Close();
  ASSERT_TRUE(world.Publish({.event = "x.1", .payload = "1"}).ok());
  EXPECT_THAT(second->Payloads(), ElementsAre("1"));
  second->Close();
  ASSERT_TRUE(world.Publish({.event = "x.1", .payload = "2"}).ok());
  EXPECT_THAT(world.Listen(member, {{"DB", "x.*"}}, Earliest())->Payloads(), ElementsAre("1", "2"));
}

TEST(SubscriptionPattern, SeveralEventNamesKeepTheOrderOfTheQueue) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member, {{"DB", "a"}, {"DB", "b"}, {"DB", "c"}});
  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    const std::string event(1, "abcd"[i * 7 % 4]);
    ASSERT_TRUE(world.Publish({.event = event, .payload = std::to_string(i)}).ok());
    if (event != "d") expected.push_back(std::to_string(i));
  }
  EXPECT_EQ(listener->HearAll(100).payloads(), expected);
}

TEST(SubscriptionPattern, EventNamesWithRoomsHearWhatIsBoth) {
  World world;
  const Member member = world.Connect("", {"a", "b"});
  auto listener = world.Listen(member, {{"DB", "x"}, {"DB", "y"}});
  ASSERT_TRUE(world.Publish({.event = "x", .payload = "1", .rooms = {"a", "b"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "z", .payload = "2", .rooms = {"a"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "y", .payload = "3", .rooms = {"b"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "x", .payload = "4", .rooms = {"c"}}).ok());
  ASSERT_TRUE(world.Publish({.event = "x", .payload = "5", .except_rooms = {"a"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1", "3"));
}

TEST(SubscriptionPattern, HearsALaterQueueFromItsFirstMessage) {
  World world;
  const Member member = world.Connect("", {"room"});
  auto all = world.Listen(member);
  auto named = world.Listen(member, {{"later", "e"}});
  auto pattern = world.Listen(member, {{"later", ""}, {"later.*", ""}});
  EXPECT_EQ(all->ready().positions_size(), 0);
  ASSERT_TRUE(world.Publish({.queue = "later", .event = "e", .payload = "1"}).ok());
  ASSERT_TRUE(world.Publish({.queue = "later", .event = "e", .payload = "2", .rooms = {"room"}}).ok());
  ASSERT_TRUE(world.Publish({.queue = "later.x", .event = "e", .payload = "3", .clients = {member.id}}).ok());
  EXPECT_THAT(named->Payloads(), ElementsAre("1", "2"));
  EXPECT_THAT(pattern->Payloads(), ElementsAre("1", "2", "3"));
  EXPECT_THAT(all->Payloads(), ElementsAre("1", "2", "3"));
  EXPECT_EQ(all->Position("later").sequence(), 2u);
}

TEST(SubscriptionPattern, ReadySaysWhereEachMatchingQueueStarts) {
  World world("namespace { name: 'default' queue { name: 'DB' } queue { name: 'FS' } queue { name: 'app.x' } }");
  ASSERT_TRUE(world.Publish({.queue = "DB"}).ok());
  const Member member = world.Connect();
  auto listener = world.Listen(member, {{"*", "CREATE"}});
  const v1::Ready& ready = listener->ready();
  EXPECT_EQ(ready.namespace_(), "default");
  EXPECT_EQ(ready.client_id(), member.id);
  EXPECT_THAT(ready.subscription_id(), HasSubstr(member.id));
  EXPECT_EQ(ready.heartbeat().seconds(), 15);
  ASSERT_EQ(ready.positions_size(), 2);
  EXPECT_EQ(ready.positions(0).queue(), "DB");
  EXPECT_EQ(ready.positions(0).sequence(), 1u);
  EXPECT_GT(ready.positions(0).epoch(), 0u);
  EXPECT_EQ(ready.positions(1).queue(), "FS");
  EXPECT_EQ(ready.positions(1).sequence(), 0u);
}

class SubscriptionPatternErrors : public ::testing::Test {
 protected:
  absl::Status Refusal(const Wants& wants) { return world_.TryListen(SubscribeTo(member_, wants)).status(); }

  World world_{R"(
    limits { patterns_per_subscription: 3 }
    namespace { name: "strict" queue { name: "DB" event: "CREATE" event: "DELETE" } queue { name: "FS" } }
  )"};
  Member member_ = world_.Connect("strict");
};

TEST_F(SubscriptionPatternErrors, NoPatternAtAll) {
  const absl::Status status = Refusal({});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "patterns");
}

TEST_F(SubscriptionPatternErrors, WhatIsNoPatternIsNamed) {
  EXPECT_EQ(MetadataOf(Refusal({{"DB", ""}, {"a*b", ""}}), "field"), "patterns[1].queue");
  EXPECT_EQ(MetadataOf(Refusal({{"DB", "**.x"}}), "field"), "patterns[0].event");
  EXPECT_EQ(Refusal({{"", ""}}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal({{std::string(129, 'a'), ""}}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SubscriptionPatternErrors, NameOfNoQueueIsNotFound) {
  const absl::Status status = Refusal({{"DB", ""}, {"nothing", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "QUEUE_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "queue"), "nothing");
  EXPECT_TRUE(Refusal({{"nothing.*", ""}}).ok());
}

TEST_F(SubscriptionPatternErrors, NameOfAnUndeclaredEventIsNotFound) {
  const absl::Status status = Refusal({{"DB", "DROP"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "EVENT_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "queue"), "DB");
  EXPECT_EQ(MetadataOf(status, "event"), "DROP");
  EXPECT_TRUE(Refusal({{"DB", "DROP.*"}}).ok());
  EXPECT_TRUE(Refusal({{"*", "DROP"}}).ok());
  EXPECT_TRUE(Refusal({{"FS", "DROP"}}).ok());
}

TEST_F(SubscriptionPatternErrors, RefusedSubscriptionJoinsNoRoom) {
  v1::SubscribeRequest request = SubscribeTo(member_, {{"nothing", ""}});
  request.add_rooms("red");
  EXPECT_FALSE(world_.TryListen(request).ok());
  v1::ListRoomsRequest rooms;
  rooms.set_namespace_("strict");
  v1::ListRoomsResponse response;
  ASSERT_TRUE(world_.registry().ListRooms(TestCall(), rooms, &response).ok());
  EXPECT_EQ(response.rooms_size(), 0);
}

TEST_F(SubscriptionPatternErrors, PatternsAreBounded) {
  EXPECT_TRUE(Refusal({{"DB", ""}, {"DB", ""}}).ok());
  EXPECT_TRUE(Refusal({{"DB", ""}, {"DB", ""}, {"DB", ""}}).ok());
  const absl::Status status = Refusal({{"DB", ""}, {"DB", ""}, {"DB", ""}, {"DB", ""}});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MetadataOf(status, "limit"), "patterns_per_subscription");
  EXPECT_EQ(MetadataOf(status, "value"), "4");
  EXPECT_EQ(MetadataOf(status, "bound"), "3");
  EXPECT_EQ(world_.Refused("strict"), 1u);
}

}  // namespace
}  // namespace nmq::broker
