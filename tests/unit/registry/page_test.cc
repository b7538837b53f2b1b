#include "server/registry/page.h"

#include <string>

#include "base/errors.h"
#include "gtest/gtest.h"
#include "nmq/v1/registry.pb.h"

namespace nmq::broker {
namespace {

v1::RoomInfo Room(size_t bytes) {
  v1::RoomInfo room;
  room.set_name(std::string(bytes, 'r'));
  return room;
}

TEST(Page, HoldsAsManyEntriesAsWanted) {
  Limits limits;
  limits.page_default = 2;
  limits.page_max = 4;
  for (const auto& [wanted, expected] : std::vector<std::pair<uint32_t, int>>{{0, 2}, {1, 1}, {3, 3}, {4, 4}, {5, 4}}) {
    v1::ListRoomsResponse response;
    Page page(limits, wanted, response.mutable_rooms());
    while (page.Add(Room(1))) {
    }
    EXPECT_EQ(response.rooms_size(), expected) << wanted;
    EXPECT_TRUE(page.full());
  }
}

TEST(Page, IsNotFullBeforeSomethingIsTurnedAway) {
  v1::ListRoomsResponse response;
  Page page(Limits(), 2, response.mutable_rooms());
  EXPECT_TRUE(page.Add(Room(1)));
  EXPECT_TRUE(page.Add(Room(1)));
  EXPECT_FALSE(page.full());
  EXPECT_FALSE(page.Add(Room(1)));
  EXPECT_TRUE(page.full());
}

TEST(Page, OnceFullTakesNothingMore) {
  v1::ListRoomsResponse response;
  Page page(Limits(), 10, response.mutable_rooms());
  EXPECT_TRUE(page.Add(Room(1 << 19)));
  EXPECT_FALSE(page.Add(Room(1 << 19)));
  EXPECT_FALSE(page.Add(Room(1)));
  EXPECT_EQ(response.rooms_size(), 1);
}

TEST(Page, FirstEntryHasPlaceHoweverLarge) {
  v1::ListRoomsResponse response;
  Page page(Limits(), 10, response.mutable_rooms());
  EXPECT_TRUE(page.Add(Room(5 << 20)));
  EXPECT_FALSE(page.Add(Room(1)));
}

TEST(PageToken, GivesItsKeyBack) {
  for (const std::string& key : {std::string("a"), std::string("c-1.17"), std::string(1024, 'k')}) {
    EXPECT_EQ(*KeyOfPageToken("rooms", "default", PageToken("rooms", "default", key)), key);
  }
  EXPECT_EQ(*KeyOfPageToken("rooms", "default", ""), "");
}

TEST(PageToken, IsOfOneListOfOneNamespace) {
  const std::string token = PageToken("rooms", "a", "key");
  EXPECT_FALSE(KeyOfPageToken("clients", "a", token).ok());
  EXPECT_FALSE(KeyOfPageToken("rooms", "b", token).ok());
  // Names run together nowhere.
  EXPECT_FALSE(KeyOfPageToken("rooms", "a.b", PageToken("rooms", "a", "b.key")).ok());
  EXPECT_FALSE(KeyOfPageToken("rooms", "", PageToken("rooms", "a", "key")).ok());
}

TEST(PageToken, ThatIsNoneIsInvalid) {
  for (const std::string& bad : {std::string("x"), std::string("AAAA"), std::string("%"), PageToken("rooms", "a", ""),
                                 PageToken("rooms", "a", "no name"), PageToken("rooms", "a", std::string(5000, 'k'))}) {
    const absl::Status status = KeyOfPageToken("rooms", "a", bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(MetadataOf(status, "field"), "page_token");
  }
}

}  // namespace
}  // namespace nmq::broker
