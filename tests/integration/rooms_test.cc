// Who hears what: rooms and audiences.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"

namespace nmq::integration {
namespace {

using testing::ElementsAre;

class Rooms : public testing::Test {
 protected:
  // Ends what `listener` must have heard.
  void PublishEnd() { TestClient(&api_).Publish("DB", "E", "end"); }

  TestServer server_;
  Api api_{server_};
  TestClient alice_{&api_};
  TestClient bob_{&api_};
  TestClient carol_{&api_};
};

TEST_F(Rooms, AMessageForTwoRoomsReachesAMemberOfBothOnce) {
  alice_.Join({"A", "B"});
  bob_.Join({"B"});
  auto alice = alice_.Subscribe("DB");
  auto bob = bob_.Subscribe("DB");
  auto carol = carol_.Subscribe("DB");
  EXPECT_EQ(carol_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "1"), {"A", "B"})), 2);
  EXPECT_EQ(carol_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "2"), {"B", "A", "B", "empty"})), 2);
  PublishEnd();
  EXPECT_THAT(alice->PayloadsUpTo("end"), ElementsAre("1", "2", "end"));
  EXPECT_THAT(bob->PayloadsUpTo("end"), ElementsAre("1", "2", "end"));
  EXPECT_THAT(carol->PayloadsUpTo("end"), ElementsAre("end"));
}

TEST_F(Rooms, EachOfAClientsSubscriptionsHearsAMessageOfItsRoomOnce) {
  alice_.Join({"A", "B"});
  auto first = alice_.Subscribe("DB");
  auto second = alice_.Subscribe("*", "E");
  EXPECT_EQ(bob_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "1"), {"A", "B"})), 2);
  PublishEnd();
  EXPECT_THAT(first->PayloadsUpTo("end"), ElementsAre("1", "end"));
  EXPECT_THAT(second->PayloadsUpTo("end"), ElementsAre("1", "end"));
}

TEST_F(Rooms, AClientHearsOfARoomExactlyWhatIsPublishedWhileItIsIn) {
  auto alice = alice_.Subscribe("DB");
  std::vector<std::string> expected;
  for (int i = 0; i < 50; ++i) {
    bob_.Publish(ForRooms(MakeMessage("DB", "E", absl::StrCat("before ", i)), {"A"}));
    alice_.Join({"A"});
    expected.push_back(absl::StrCat("in ", i));
    bob_.Publish(ForRooms(MakeMessage("DB", "E", expected.back()), {"A"}));
    alice_.Leave({"A"});
    bob_.Publish(ForRooms(MakeMessage("DB", "E", absl::StrCat("after ", i)), {"A"}));
  }
  PublishEnd();
  expected.push_back("end");
  EXPECT_EQ(alice->PayloadsUpTo("end"), expected);
}

TEST_F(Rooms, JoinsWhileOthersPublishHearEverythingAfterTheAnswer) {
  // Numbers of a publisher that never stops; the member hears all from one on, and that one is not later than the first
  // that was published after Join had answered.
  auto alice = alice_.Subscribe("DB");
  std::atomic<int> published{0};
  std::atomic<bool> stop{false};
  std::thread publisher([&] {
    for (int i = 1; !stop; ++i) {
      bob_.Publish(ForRooms(MakeMessage("DB", "E", absl::StrCat(i)), {"A"}));
      published = i;
    }
    bob_.Publish("DB", "E", "end");
  });
  EXPECT_TRUE(WaitUntil([&] { return published > 20; }));
  const int before = published;
  alice_.Join({"A"});
  const int after = published;
  EXPECT_TRUE(WaitUntil([&] { return published > after + 20; }));
  stop = true;
  publisher.join();
  const std::vector<std::string> heard = alice->PayloadsUpTo("end");
  ASSERT_GT(heard.size(), 20);
  const int first = std::stoi(heard.front());
  EXPECT_GT(first, before);
  EXPECT_LE(first, after + 2);  // one may be on its way when Join answers
  for (size_t i = 0; i + 1 < heard.size(); ++i) EXPECT_EQ(heard[i], absl::StrCat(first + static_cast<int>(i)));
}

TEST_F(Rooms, SubscribeJoinsRoomsInTheSameStep) {
  v1::SubscribeRequest request = alice_.SubscribeRequest("DB");
  request.add_rooms("A");
  auto alice = alice_.Subscribe(request);
  EXPECT_EQ(bob_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "1"), {"A"})), 1);
  EXPECT_EQ(alice->NextMessage().payload(), "1");
  // The room outlives the subscription.
  alice.reset();
  ASSERT_TRUE(WaitUntil([&] { return InfoOf(&api_).subscriptions() == 0; }));
  EXPECT_EQ(bob_.Join({"A"}).rooms(0).members(), 2);
}

TEST_F(Rooms, ARefusedSubscribeJoinsNothing) {
  v1::SubscribeRequest request = alice_.SubscribeRequest("DB");
  request.add_rooms("A");
  request.mutable_start()->set_sequence(0);
  EXPECT_EQ(Summary(Listener(&api_, request).End()), "INVALID_ARGUMENT INVALID_FIELD field=start.sequence");
  EXPECT_EQ(InfoOf(&api_).rooms(), 0);
}

TEST_F(Rooms, JoiningAndLeavingTwiceIsNoErrorAndCountsMembersOnce) {
  EXPECT_EQ(alice_.Join({"A", "A"}).rooms(1).members(), 1);
  EXPECT_EQ(alice_.Join({"A", "B"}).rooms(0).members(), 1);
  EXPECT_EQ(bob_.Join({"A"}).rooms(0).members(), 2);
  EXPECT_EQ(alice_.Leave({"A", "A"}).rooms(1).members(), 1);
  EXPECT_EQ(alice_.Leave({"A"}).rooms(0).members(), 1);
  EXPECT_EQ(bob_.Leave({"A"}).rooms(0).members(), 0);
  EXPECT_EQ(InfoOf(&api_).rooms(), 1);  // B
}

TEST_F(Rooms, ARoomThatNobodyIsInIsNoErrorAndHeardByNobody) {
  auto alice = alice_.Subscribe("DB");
  EXPECT_EQ(bob_.PublishAndCount(ForRooms(MakeMessage("DB", "E", "lost"), {"nobody"})), 0);
  PublishEnd();
  EXPECT_THAT(alice->PayloadsUpTo("end"), ElementsAre("end"));
}

TEST_F(Rooms, ExceptedRoomsAndClientsDoNotHear) {
  alice_.Join({"A", "B"});
  bob_.Join({"A"});
  auto alice = alice_.Subscribe("DB");
  auto bob = bob_.Subscribe("DB");
  auto carol = carol_.Subscribe("DB");
  v1::Message message = ForRooms(MakeMessage("DB", "E", "A but not B"), {"A"});
  message.mutable_audience()->add_except_rooms("B");
  EXPECT_EQ(carol_.PublishAndCount(message), 1);
  message = MakeMessage("DB", "E", "all but bob");
  message.mutable_audience()->add_except_clients(bob_.id());
  message.mutable_audience()->add_except_clients("c-who-is-not-there");
  EXPECT_EQ(carol_.PublishAndCount(message), 2);
  PublishEnd();
  EXPECT_THAT(alice->PayloadsUpTo("end"), ElementsAre("all but bob", "end"));
  EXPECT_THAT(bob->PayloadsUpTo("end"), ElementsAre("A but not B", "end"));
  EXPECT_THAT(carol->PayloadsUpTo("end"), ElementsAre("all but bob", "end"));
}

TEST_F(Rooms, APublisherNeedNotHearItself) {
  auto alice = alice_.Subscribe("DB");
  auto bob = bob_.Subscribe("DB");
  v1::Message message = MakeMessage("DB", "E", "from alice");
  message.mutable_audience()->set_except_publisher(true);
  EXPECT_EQ(alice_.PublishAndCount(message), 1);
  EXPECT_EQ(alice_.PublishAndCount(MakeMessage("DB", "E", "for all")), 2);
  EXPECT_THAT(alice->Payloads(1), ElementsAre("for all"));
  EXPECT_THAT(bob->Payloads(2), ElementsAre("from alice", "for all"));
}

TEST_F(Rooms, AMessageForAClientAndARoomReachesTheirUnion) {
  bob_.Join({"A"});
  auto alice = alice_.Subscribe("DB");
  auto bob = bob_.Subscribe("DB");
  auto carol = carol_.Subscribe("DB");
  v1::Message message = MakeMessage("DB", "E", "to alice");
  message.mutable_audience()->add_clients(alice_.id());
  EXPECT_EQ(carol_.PublishAndCount(message), 1);
  message = ForRooms(MakeMessage("DB", "E", "to alice, bob and A"), {"A"});
  message.mutable_audience()->add_clients(alice_.id());
  message.mutable_audience()->add_clients(bob_.id());
  EXPECT_EQ(carol_.PublishAndCount(message), 2);
  PublishEnd();
  EXPECT_THAT(alice->PayloadsUpTo("end"), ElementsAre("to alice", "to alice, bob and A", "end"));
  EXPECT_THAT(bob->PayloadsUpTo("end"), ElementsAre("to alice, bob and A", "end"));
  EXPECT_THAT(carol->PayloadsUpTo("end"), ElementsAre("end"));
}

TEST_F(Rooms, ADeliveredMessageTellsItsRoomsButNotTheRestOfItsAudience) {
  alice_.Join({"A"});
  auto alice = alice_.Subscribe("DB");
  v1::Message message = ForRooms(MakeMessage("DB", "E", "text"), {"A", "B"});
  message.mutable_audience()->add_clients(carol_.id());
  message.mutable_audience()->add_except_clients(carol_.id());
  message.mutable_audience()->add_except_rooms("C");
  message.set_id("forged");
  message.set_publisher("forged");
  message.set_sequence(77);
  message.set_epoch(77);
  message.set_key("key");
  message.set_content_type("text/plain");
  (*message.mutable_headers())["name"] = "value";
  const v1::PublishResponse published = bob_.Publish(message);
  const v1::Message heard = alice->NextMessage();
  EXPECT_THAT(heard.audience().rooms(), ElementsAre("A", "B"));
  EXPECT_EQ(heard.audience().clients_size(), 0);
  EXPECT_EQ(heard.audience().except_clients_size(), 0);
  EXPECT_EQ(heard.audience().except_rooms_size(), 0);
  EXPECT_EQ(heard.id(), published.id());
  EXPECT_EQ(heard.epoch(), published.epoch());
  EXPECT_EQ(heard.sequence(), 1);
  EXPECT_EQ(heard.publisher(), bob_.id());
  EXPECT_EQ(heard.key(), "key");
  EXPECT_EQ(heard.content_type(), "text/plain");
  EXPECT_EQ(heard.headers().at("name"), "value");
  EXPECT_GT(heard.publish_time().seconds(), 0);
}

}  // namespace
}  // namespace nmq::integration
