#include <memory>
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

// Whether the listeners were there when the messages came, or read them afterwards: both must agree.
enum class When { kLive, kLater };

class Audience : public ::testing::TestWithParam<When> {
 protected:
  // Connects a client in `rooms`, which listens.
  Member Add(const std::vector<std::string>& rooms, const std::string& name_space = "") {
    Member member = world_.Connect(name_space, rooms);
    members_.push_back(member);
    if (GetParam() == When::kLive) listeners_.push_back(world_.Listen(member));
    return member;
  }
  void Publish(const Post& post, const std::string& name_space = "") {
    auto published = world_.Publish(post, name_space);
    ASSERT_TRUE(published.ok()) << published.status();
  }
  // What the client that was added as number `i` has heard.
  std::vector<std::string> HeardBy(size_t i) {
    if (GetParam() == When::kLive) return listeners_[i]->Payloads();
    return world_.Listen(members_[i], {{"**", ""}}, Earliest())->Payloads();
  }

  World world_{"namespace { name: 'one' automatic_queues: true } namespace { name: 'two' automatic_queues: true }"};
  std::vector<Member> members_;
  std::vector<std::unique_ptr<Listener>> listeners_;
};
INSTANTIATE_TEST_SUITE_P(When, Audience, ::testing::Values(When::kLive, When::kLater));

TEST_P(Audience, NamespacesWithTheSameNamesNeverHearEachOther) {
  Add({"red"}, "one");
  Add({"red"}, "two");
  Publish({.payload = "one, all"}, "one");
  Publish({.payload = "two, all"}, "two");
  Publish({.payload = "one, red", .rooms = {"red"}}, "one");
  Publish({.payload = "two, red", .rooms = {"red"}}, "two");
  EXPECT_THAT(HeardBy(0), ElementsAre("one, all", "one, red"));
  EXPECT_THAT(HeardBy(1), ElementsAre("two, all", "two, red"));
}

TEST_P(Audience, MemberOfTwoAddressedRoomsHearsOnce) {
  Add({"a", "b"});
  Add({"b"});
  Add({"c"});
  Publish({.payload = "1", .rooms = {"a", "b"}});
  Publish({.payload = "2", .rooms = {"b", "a"}});
  EXPECT_THAT(HeardBy(0), ElementsAre("1", "2"));
  EXPECT_THAT(HeardBy(1), ElementsAre("1", "2"));
  EXPECT_THAT(HeardBy(2), IsEmpty());
}

TEST_P(Audience, RoomOrClientNamedTwiceHearsOnce) {
  const Member member = Add({"a"});
  Publish({.payload = "1", .rooms = {"a", "a"}});
  Publish({.payload = "2", .clients = {member.id, member.id}});
  EXPECT_THAT(HeardBy(0), ElementsAre("1", "2"));
}

TEST_P(Audience, IsTheUnionOfRoomsAndClients) {
  Add({"a"});
  Add({"b"});
  const Member third = Add({});
  Add({});
  Publish({.payload = "1", .rooms = {"a", "b"}, .clients = {third.id}});
  Publish({.payload = "2", .rooms = {"a"}, .clients = {members_[0].id}});
  EXPECT_THAT(HeardBy(0), ElementsAre("1", "2"));
  EXPECT_THAT(HeardBy(1), ElementsAre("1"));
  EXPECT_THAT(HeardBy(2), ElementsAre("1"));
  EXPECT_THAT(HeardBy(3), IsEmpty());
}

TEST_P(Audience, OfOneClientIsThatClientAlone) {
  Add({"a"});
  Add({"a"});
  Publish({.payload = "1", .clients = {members_[1].id}});
  EXPECT_THAT(HeardBy(0), IsEmpty());
  EXPECT_THAT(HeardBy(1), ElementsAre("1"));
}

TEST_P(Audience, ExceptedRoomsAndClientsDoNotHear) {
  Add({"a"});
  Add({"a", "b"});
  Add({"a"});
  Add({});
  Publish({.payload = "1", .rooms = {"a"}, .except_rooms = {"b"}, .except_clients = {members_[2].id}});
  Publish({.payload = "2", .except_rooms = {"b"}});
  Publish({.payload = "3", .except_rooms = {"b", "b"}, .except_clients = {members_[0].id, "c-unknown"}});
  EXPECT_THAT(HeardBy(0), ElementsAre("1", "2"));
  EXPECT_THAT(HeardBy(1), IsEmpty());
  EXPECT_THAT(HeardBy(2), ElementsAre("2", "3"));
  EXPECT_THAT(HeardBy(3), ElementsAre("2", "3"));
}

TEST_P(Audience, ExceptionsWinOverTargets) {
  Add({"a"});
  Publish({.payload = "1", .clients = {members_[0].id}, .except_clients = {members_[0].id}});
  Publish({.payload = "2", .clients = {members_[0].id}, .except_rooms = {"a"}});
  EXPECT_THAT(HeardBy(0), IsEmpty());
}

TEST_P(Audience, WithoutThePublisher) {
  Add({"a"});
  Add({"a"});
  ASSERT_TRUE(world_.PublishAs(members_[0], {.payload = "1", .except_publisher = true}).ok());
  ASSERT_TRUE(world_.PublishAs(members_[0], {.payload = "2", .rooms = {"a"}, .except_publisher = true}).ok());
  ASSERT_TRUE(world_.PublishAs(members_[0], {.payload = "3"}).ok());
  EXPECT_THAT(HeardBy(0), ElementsAre("3"));
  EXPECT_THAT(HeardBy(1), ElementsAre("1", "2", "3"));
}

TEST_P(Audience, ExceptionsAreJudgedAsOfPublishing) {
  Add({"away"});
  Add({});
  Publish({.payload = "1", .except_rooms = {"away"}});
  ASSERT_TRUE(world_.Leave(members_[0], {"away"}).ok());
  ASSERT_TRUE(world_.Join(members_[1], {"away"}).ok());
  Publish({.payload = "2", .except_rooms = {"away"}});
  EXPECT_THAT(HeardBy(0), ElementsAre("2"));
  EXPECT_THAT(HeardBy(1), ElementsAre("1"));
}

TEST_P(Audience, ExceptionsOfARoomThatIsGoneAreJudgedAsOfPublishing) {
  Add({"away"});
  Publish({.payload = "1", .except_rooms = {"away"}});
  ASSERT_TRUE(world_.Leave(members_[0], {"away"}).ok());
  ASSERT_TRUE(world_.Join(members_[0], {"away"}).ok());
  Publish({.payload = "2"});
  EXPECT_THAT(HeardBy(0), ElementsAre("2"));
}

TEST_P(Audience, UnknownRoomIsHeardByNobodyAndIsNoError) {
  Add({"a"});
  Publish({.payload = "1", .rooms = {"nowhere"}});
  Publish({.payload = "2", .rooms = {"nowhere", "a"}});
  EXPECT_THAT(HeardBy(0), ElementsAre("2"));
}

TEST_P(Audience, EverySubscriptionOfAClientHears) {
  Add({"a"});
  auto second = world_.Listen(members_[0]);
  Publish({.payload = "1", .rooms = {"a"}});
  EXPECT_THAT(HeardBy(0), ElementsAre("1"));
  EXPECT_THAT(second->Payloads(), ElementsAre("1"));
}

TEST_P(Audience, MatchedCountsThoseThatThenHear) {
  Add({"a"});
  Add({"a", "b"});
  Add({"b"});
  Add({});
  const std::vector<Post> posts = {{},
                                   {.rooms = {"a"}},
                                   {.rooms = {"a", "b"}},
                                   {.clients = {members_[3].id}},
                                   {.rooms = {"nowhere"}},
                                   {.except_rooms = {"b"}},
                                   {.rooms = {"a"}, .except_clients = {members_[0].id}}};
  if (GetParam() == When::kLater) {
    for (const Member& member : members_) listeners_.push_back(world_.Listen(member));
  }
  for (const Post& post : posts) {
    auto published = world_.Publish(post, "", /*count_matches=*/true);
    ASSERT_TRUE(published.ok());
    uint64_t heard = 0;
    for (const auto& listener : listeners_) heard += listener->Payloads().size();
    EXPECT_EQ(published->matched(), heard) << ToMessage(post).ShortDebugString();
  }
}

TEST(AudienceErrors, UnknownClientIsNamedAndNothingIsPublished) {
  World world;
  const Member member = world.Connect();
  auto listener = world.Listen(member);
  const absl::Status status = world.Publish({.queue = "new", .clients = {member.id, "c-nobody"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "CLIENT_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "client"), "c-nobody");
  EXPECT_THAT(listener->Payloads(), IsEmpty());
  v1::ListQueuesResponse queues;
  ASSERT_TRUE(world.registry().ListQueues(TestCall(), {}, &queues).ok());
  EXPECT_EQ(queues.queues_size(), 0) << "a refused message made a queue";
}

TEST(AudienceErrors, ClientOfAnotherNamespaceIsUnknown) {
  World world("namespace { name: 'one' automatic_queues: true }");
  const Member member = world.Connect("one");
  EXPECT_EQ(world.Publish({.clients = {member.id}}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(world.Publish({.clients = {member.id}}, "one").ok());
}

TEST(AudienceErrors, ClientThatLeftIsUnknown) {
  World world;
  const Member member = world.Connect();
  ASSERT_TRUE(world.Disconnect(member).ok());
  EXPECT_EQ(world.Publish({.clients = {member.id}}).status().code(), absl::StatusCode::kNotFound);
}

TEST(AudienceErrors, ExceptPublisherNeedsASession) {
  World world;
  const absl::Status status = world.Publish({.except_publisher = true}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MetadataOf(status, "field"), "audience.except_publisher");
}

TEST(AudienceOfADeliveredMessage, KeepsOnlyTheRooms) {
  World world;
  const Member member = world.Connect("", {"a"});
  auto listener = world.Listen(member);
  ASSERT_TRUE(
      world
          .PublishAs(member,
                     {.rooms = {"a", "b"}, .clients = {member.id}, .except_rooms = {"c"}, .except_clients = {"c-2"}})
          .ok());
  ASSERT_TRUE(world.Publish({.clients = {member.id}}).ok());
  const Heard heard = listener->HearAll();
  ASSERT_EQ(heard.messages.size(), 2u);
  v1::Audience expected;
  expected.add_rooms("a");
  expected.add_rooms("b");
  EXPECT_EQ(heard.messages[0].audience().SerializeAsString(), expected.SerializeAsString());
  EXPECT_FALSE(heard.messages[1].has_audience());
}

}  // namespace
}  // namespace nmq::broker
