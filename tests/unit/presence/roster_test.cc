#include "server/presence/roster.h"

#include <memory>
#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RosterTest : public ::testing::Test {
 protected:
  std::shared_ptr<Client> NewClient(const std::string& id) {
    return std::make_shared<Client>(numbers_.OfClient(id), id, "session", clock_.Now());
  }

  Roster::Entry* Enter(const std::string& id) {
    ClientFields fields;
    fields.lease = absl::Seconds(30);
    EXPECT_TRUE(roster_.Add(NewClient(id), fields).ok());
    return roster_.Find(id);
  }

  absl::Status CheckJoin(const std::string& id, const std::vector<std::string>& rooms) const {
    std::vector<const std::string*> pointers;
    for (const std::string& room : rooms) pointers.push_back(&room);
    return roster_.CheckJoin(*roster_.Find(id), pointers);
  }

  std::vector<v1::ChangeKind> Changed() const {
    uint64_t upto = 0;
    std::vector<v1::ChangeKind> kinds;
    auto changes = changes_.Read(0, "", 1000, &upto);
    for (const auto& change : *changes) kinds.push_back(change.kind());
    return kinds;
  }

  std::vector<std::string> ClientsIn(const std::string& room) const {
    std::vector<std::string> ids;
    roster_.VisitClients(room, "", 1000, [&](const Roster::Entry& entry) {
      ids.push_back(entry.client->id());
      return true;
    });
    return ids;
  }

  SimulatedClock clock_;
  Limits limits_;
  Numbers numbers_{"key"};
  Changes changes_{1000, &clock_};
  std::atomic<uint64_t> stamps_{0};
  Roster roster_{{"N", &limits_, &clock_, &numbers_, &stamps_, &changes_}};
};

TEST_F(RosterTest, AClientWithoutANameIsCalledByItsId) {
  Enter("a");
  EXPECT_EQ(roster_.Find("a")->fields.name, "a");
  EXPECT_EQ(roster_.Find("b"), nullptr);
}

TEST_F(RosterTest, OneClientMoreThanTheLimitIsRefused) {
  limits_.clients_per_namespace = 2;
  Enter("a");
  Enter("b");
  const absl::Status status = roster_.Add(NewClient("c"), {});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(roster_.clients(), 2u);
}

TEST_F(RosterTest, ARoomIsMadeByTheFirstJoinAndGoneWithTheLastLeave) {
  Enter("a");
  Enter("b");
  EXPECT_EQ(roster_.Join(roster_.Find("a"), "r"), numbers_.OfRoom("r"));
  EXPECT_EQ(roster_.Join(roster_.Find("b"), "r"), numbers_.OfRoom("r"));
  EXPECT_EQ(roster_.Members("r"), 2u);
  roster_.Leave(roster_.Find("a"), "r");
  EXPECT_EQ(roster_.rooms(), 1u);
  EXPECT_EQ(roster_.Leave(roster_.Find("b"), "r"), numbers_.OfRoom("r"));
  EXPECT_EQ(roster_.rooms(), 0u);
  EXPECT_THAT(Changed(),
              ElementsAre(v1::CHANGE_KIND_CLIENT_CONNECTED, v1::CHANGE_KIND_CLIENT_CONNECTED,
                          v1::CHANGE_KIND_ROOM_CREATED, v1::CHANGE_KIND_ROOM_JOINED, v1::CHANGE_KIND_ROOM_JOINED,
                          v1::CHANGE_KIND_ROOM_LEFT, v1::CHANGE_KIND_ROOM_LEFT, v1::CHANGE_KIND_ROOM_DELETED));
}

TEST_F(RosterTest, JoiningTwiceAndLeavingWhatOneIsNotInChangesNothing) {
  Enter("a");
  EXPECT_TRUE(roster_.Join(roster_.Find("a"), "r").has_value());
  EXPECT_FALSE(roster_.Join(roster_.Find("a"), "r").has_value());
  EXPECT_FALSE(roster_.Leave(roster_.Find("a"), "other").has_value());
  EXPECT_EQ(roster_.Members("r"), 1u);
  EXPECT_EQ(stamps_.load(), 1u);
}

TEST_F(RosterTest, AMembershipBeginsAndEndsWithAStamp) {
  Enter("a");
  const std::shared_ptr<Client> client = roster_.Find("a")->client;
  const uint64_t room = *roster_.Join(roster_.Find("a"), "r");
  const uint64_t joined = stamps_.load();
  std::vector<uint64_t> targets;
  std::vector<uint64_t> excepts;
  v1::Audience audience;
  audience.add_rooms("r");
  ASSERT_TRUE(roster_.Resolve(audience, 0, Roster::Absent::kRefuse, &targets, &excepts).ok());
  roster_.Leave(roster_.Find("a"), "r");
  EXPECT_FALSE(client->memberships().Contains(room, joined - 1));
  EXPECT_TRUE(client->memberships().Contains(room, joined));
  EXPECT_FALSE(client->memberships().Contains(room, stamps_.load()));
}

TEST_F(RosterTest, AStayIsForgottenAtOnceIfNoMessageWasForTheRoom) {
  Enter("a");
  const std::shared_ptr<Client> client = roster_.Find("a")->client;
  stamps_ = 5;
  roster_.Join(roster_.Find("a"), "r");
  roster_.Leave(roster_.Find("a"), "r");
  EXPECT_EQ(client->memberships().size(), 0u);
}

TEST_F(RosterTest, AClientThatGoesLeavesItsRooms) {
  Roster::Entry* const entry = Enter("a");
  const std::shared_ptr<Client> client = entry->client;
  roster_.Join(entry, "r");
  roster_.Join(entry, "s");
  roster_.Remove(entry, "DISCONNECTED");
  EXPECT_TRUE(client->gone());
  EXPECT_EQ(roster_.clients(), 0u);
  EXPECT_EQ(roster_.rooms(), 0u);
}

TEST_F(RosterTest, RoomsAreBoundedForAClientAndForAll) {
  limits_.rooms_per_client = 2;
  limits_.rooms_per_namespace = 3;
  Enter("a");
  Enter("b");
  EXPECT_TRUE(CheckJoin("a", {"r", "s", "r"}).ok());
  EXPECT_EQ(MetadataOf(CheckJoin("a", {"r", "s", "t"}), "limit"), "rooms_per_client");
  roster_.Join(roster_.Find("a"), "r");
  roster_.Join(roster_.Find("a"), "s");
  EXPECT_TRUE(CheckJoin("b", {"r", "t"}).ok());
  EXPECT_EQ(MetadataOf(CheckJoin("b", {"t", "u"}), "limit"), "rooms_per_namespace");
}

TEST_F(RosterTest, AnAudienceBecomesNumbersEachOnce) {
  Enter("a");
  Enter("b");
  roster_.Join(roster_.Find("a"), "r");
  v1::Audience audience;
  for (const char* room : {"r", "r", "nobody.is.there"}) audience.add_rooms(room);
  audience.add_clients("b");
  audience.add_except_clients("a");
  audience.add_except_clients("gone");
  audience.add_except_rooms("s");
  audience.set_except_publisher(true);
  std::vector<uint64_t> targets;
  std::vector<uint64_t> excepts;
  ASSERT_TRUE(roster_.Resolve(audience, 7, Roster::Absent::kRefuse, &targets, &excepts).ok());
  EXPECT_THAT(targets,
              UnorderedElementsAre(numbers_.OfRoom("r"), numbers_.OfRoom("nobody.is.there"), numbers_.OfClient("b")));
  EXPECT_THAT(excepts, UnorderedElementsAre(numbers_.OfClient("a"), numbers_.OfRoom("s"), 7u));
}

TEST_F(RosterTest, AClientThatIsNotThereIsRefusedOrSkipped) {
  v1::Audience audience;
  audience.add_clients("gone");
  std::vector<uint64_t> targets;
  std::vector<uint64_t> excepts;
  EXPECT_EQ(ReasonOf(roster_.Resolve(audience, 0, Roster::Absent::kRefuse, &targets, &excepts)), "CLIENT_NOT_FOUND");
  EXPECT_TRUE(roster_.Resolve(audience, 0, Roster::Absent::kSkip, &targets, &excepts).ok());
  EXPECT_THAT(targets, IsEmpty());
}

TEST_F(RosterTest, ALeaseRunsFromTheLastCallAndNotWhileAStreamIsOpen) {
  Roster::Entry* const entry = Enter("a");
  entry->client->Touch(1'000'000);
  EXPECT_EQ(Roster::LeaseEnd(*entry, 9'000'000), 31'000'000);
  entry->client->StreamOpened();
  EXPECT_EQ(Roster::LeaseEnd(*entry, 9'000'000), 39'000'000);
}

TEST_F(RosterTest, UnsetFieldsStayWhenAClientComesBack) {
  Roster::Entry* const entry = Enter("a");
  entry->fields.labels = {{"k", "v"}};
  ClientFields fields;
  fields.peer = "elsewhere";
  fields.lease = absl::Seconds(5);
  Roster::Change(entry, fields, /*lease_set=*/false);
  EXPECT_EQ(entry->fields.name, "a");
  EXPECT_EQ(entry->fields.labels.size(), 1u);
  EXPECT_EQ(entry->fields.lease, absl::Seconds(30));
  EXPECT_EQ(entry->fields.peer, "elsewhere");
}

TEST_F(RosterTest, ListsGoOnWhereTheyStopped) {
  for (const char* id : {"a", "b", "c"}) roster_.Join(Enter(id), id == std::string("b") ? "s" : "r");
  EXPECT_THAT(ClientsIn(""), ElementsAre("a", "b", "c"));
  EXPECT_THAT(ClientsIn("r"), ElementsAre("a", "c"));
  EXPECT_THAT(ClientsIn("empty"), IsEmpty());
  const auto all = [](const Roster::Entry&) { return true; };
  EXPECT_EQ(roster_.VisitClients("", "", 2, all), "b");
  EXPECT_EQ(roster_.VisitClients("", "b", 2, all), "");
  EXPECT_EQ(roster_.VisitRooms("", 1, [](const std::string&, const Roster::Room&) { return true; }), "r");
}

}  // namespace
}  // namespace nmq::broker
