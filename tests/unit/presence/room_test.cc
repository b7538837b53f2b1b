#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Room, HearsWhatIsPublishedAfterJoinAndNothingBefore) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  auto other = world.Listen(world.Connect("", {"red"}));  // has not read when the member comes
  ASSERT_TRUE(world.Publish({.payload = "before", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "after", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("after"));
}

TEST(Room, LateListenerHearsNothingFromBeforeItsClientJoined) {
  World world;
  const Member other = world.Connect("", {"red"});
  const Member member = world.Connect();
  ASSERT_TRUE(world.Publish({.payload = "to all"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "before", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "after", .rooms = {"red"}}).ok());
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, Earliest())->Payloads(), ElementsAre("to all", "after"));
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, Last(2))->Payloads(), ElementsAre("to all", "after"));
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, Last(1))->Payloads(), ElementsAre("after"));
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, FromSequence(2))->Payloads(), ElementsAre("after"));
}

TEST(Room, MessageFromBeforeLeaveIsHeardThoughNobodyLookedYet) {
  World world;
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "before", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "after", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("before"));
}

TEST(Room, MessageFromBeforeLeaveIsHeardWhereOthersStay) {
  World world;
  const Member member = world.Connect("", {"red"});
  const Member stayer = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  auto stayed = world.Listen(stayer);
  ASSERT_TRUE(world.Publish({.payload = "before", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "after", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("before"));
  EXPECT_THAT(stayed->Payloads(), ElementsAre("before", "after"));
}

TEST(Room, BacklogIsHeardUpToTheLeave) {
  World world;
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  for (const char* payload : {"1", "2", "3"}) {
    ASSERT_TRUE(world.Publish({.payload = payload, .rooms = {"red"}}).ok());
  }
  EXPECT_THAT(listener->HearOnce(1).payloads(), ElementsAre("1"));
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "4", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->HearOnce(1).payloads(), ElementsAre("2"));
  ASSERT_TRUE(world.Publish({.payload = "5", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Publish({.payload = "all"}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("3", "all"));
}

// How somebody who was away for a while hears, with and without others who keep the room.
class RoomAbsence : public ::testing::TestWithParam<bool> {};

TEST_P(RoomAbsence, IsNotHeardByTheListenerThatDidNotReadMeanwhile) {
  World world;
  const Member member = world.Connect("", {"red"});
  if (GetParam()) world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "2", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "3", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "4", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1", "3"));
  EXPECT_THAT(listener->Payloads(), IsEmpty());
}

TEST_P(RoomAbsence, IsNotHeardByTheListenerThatReadInBetween) {
  World world;
  const Member member = world.Connect("", {"red"});
  if (GetParam()) world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1"));
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "2", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), IsEmpty());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "3", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("3"));
}

TEST_P(RoomAbsence, IsNotHeardByTheListenerThatBeginsWithWhatIsHeld) {
  World world;
  const Member member = world.Connect("", {"red"});
  if (GetParam()) world.Connect("", {"red"});
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  auto early = world.Listen(member, {{"**", ""}}, Earliest());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "2", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "3", .rooms = {"red"}}).ok());
  EXPECT_THAT(early->Payloads(), ElementsAre("1", "3"));
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, Earliest())->Payloads(), ElementsAre("1", "3"));
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  EXPECT_THAT(world.Listen(member, {{"**", ""}}, Earliest())->Payloads(), ElementsAre("1", "3"));
}

TEST_P(RoomAbsence, IsNotHeardAfterAResume) {
  World world;
  const Member member = world.Connect("", {"red"});
  if (GetParam()) world.Connect("", {"red"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1"));
  listener->Close();
  ASSERT_TRUE(world.Publish({.payload = "2", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "3", .rooms = {"red"}}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  ASSERT_TRUE(world.Publish({.payload = "4", .rooms = {"red"}}).ok());
  auto resumed = world.Listen(member, {{"**", ""}}, ResumeFrom(listener->Positions()));
  EXPECT_THAT(resumed->Payloads(), ElementsAre("2", "4"));
}

INSTANTIATE_TEST_SUITE_P(OthersStay, RoomAbsence, ::testing::Bool());

TEST(Room, JoiningWithTheSubscriptionMissesNothing) {
  World world;
  const Member member = world.Connect();
  v1::SubscribeRequest request = SubscribeTo(member, {{"**", ""}});
  request.add_rooms("red");
  auto listener = world.TryListen(request);
  ASSERT_TRUE(listener.ok()) << listener.status();
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  EXPECT_THAT((*listener)->Payloads(), ElementsAre("1"));
  (*listener)->Close();
  EXPECT_EQ(world.Leave(member, {"red"})->rooms(0).members(), 0u);
}

TEST(Room, JoinAnswersWithTheMembersOfEachRoomInOrder) {
  World world;
  world.Connect("", {"red", "blue"});
  const Member member = world.Connect();
  auto joined = world.Join(member, {"blue", "green", "red", "blue"});
  ASSERT_TRUE(joined.ok());
  std::vector<std::pair<std::string, uint64_t>> counts;
  for (const v1::RoomCount& count : joined->rooms()) counts.emplace_back(count.room(), count.members());
  EXPECT_THAT(counts,
              ElementsAre(std::pair("blue", 2u), std::pair("green", 1u), std::pair("red", 2u), std::pair("blue", 2u)));
}

TEST(Room, JoiningOrLeavingTwiceIsNoError) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  EXPECT_EQ(world.Join(member, {"red"})->rooms(0).members(), 1u);
  EXPECT_EQ(world.Join(member, {"red"})->rooms(0).members(), 1u);
  ASSERT_TRUE(world.Publish({.payload = "1", .rooms = {"red"}}).ok());
  EXPECT_THAT(listener->Payloads(), ElementsAre("1"));
  EXPECT_EQ(world.Leave(member, {"red"})->rooms(0).members(), 0u);
  EXPECT_EQ(world.Leave(member, {"red", "never"})->rooms(0).members(), 0u);
}

TEST(Room, JoinTakesAllRoomsOrNone) {
  World world("limits { rooms_per_client: 2 }");
  const Member member = world.Connect();
  EXPECT_FALSE(world.Join(member, {"a", "b", "c"}).ok());
  EXPECT_FALSE(world.Join(member, {"a", "not a name"}).ok());
  v1::ListRoomsResponse rooms;
  ASSERT_TRUE(world.registry().ListRooms(TestCall(), {}, &rooms).ok());
  EXPECT_EQ(rooms.rooms_size(), 0);
}

TEST(Room, BadRoomsAreNamed) {
  World world;
  const Member member = world.Connect();
  const absl::Status none = world.Join(member, {}).status();
  EXPECT_EQ(none.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(none, "field"), "rooms");
  EXPECT_EQ(world.Leave(member, {}).status().code(), absl::StatusCode::kInvalidArgument);
  const absl::Status bad = world.Leave(member, {"ok", "no name"}).status();
  EXPECT_EQ(bad.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(bad, "field"), "rooms[1]");
}

TEST(Room, MemberOfManyRoomsHearsThemInTheOrderOfTheQueue) {
  World world;
  std::vector<std::string> rooms;
  for (int i = 0; i < 40; ++i) rooms.push_back("r" + std::to_string(i));
  const Member member = world.Connect("", rooms);
  auto listener = world.Listen(member);
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    expected.push_back(std::to_string(i));
    const std::string& one = rooms[i * 7 % 40];
    const std::string& two = rooms[i * 11 % 40];
    ASSERT_TRUE(world.Publish({.payload = expected.back(), .rooms = {one, two}}).ok());
  }
  EXPECT_EQ(listener->HearAll(200).payloads(), expected);
}

size_t Ears(Listener* listener) {
  size_t ears = 0;
  listener->subscription().ForEachCursor([&](Cursor* cursor) { ears += cursor->ears.size(); });
  return ears;
}

TEST(Room, ComingAndGoingLeavesNothingBehind) {
  World world("limits { queue_messages: 10 rooms_per_client: 100000 }");
  ASSERT_TRUE(world.Publish({.payload = "first"}).ok());
  const Member member = world.Connect();
  auto quiet = world.Listen(member, {{"DB", ""}});
  auto early = world.Listen(member, {{"DB", ""}}, Earliest());
  const size_t before = Ears(quiet.get());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(world.Join(member, {"red"}).ok());
    ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  }
  EXPECT_EQ(Ears(quiet.get()), before);
  EXPECT_EQ(Ears(early.get()), before);
  // Nobody reads, and each time something is published to the room.
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(world.Join(member, {"red"}).ok());
    ASSERT_TRUE(world.Publish({.payload = std::to_string(i), .rooms = {"red"}}).ok());
    ASSERT_TRUE(world.Leave(member, {"red"}).ok());
  }
  EXPECT_LE(Ears(quiet.get()), before + 50);
  EXPECT_LE(Ears(early.get()), before + 50);
  const Heard heard = quiet->HearAll();
  ASSERT_EQ(heard.gaps.size(), 1u);
  EXPECT_EQ(heard.gaps[0].count(), 490u);
  EXPECT_EQ(heard.gaps[0].last(), 491u);
  EXPECT_EQ(heard.messages.size(), 10u);
  EXPECT_EQ(Ears(quiet.get()), before);
}

}  // namespace
}  // namespace nmq::broker
