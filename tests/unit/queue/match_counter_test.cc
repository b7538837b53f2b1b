#include "server/queue/match_counter.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/names.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/message/entry.h"
#include "server/queue/cursor.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kKitchen = 7;  // numbers of rooms
constexpr uint64_t kHall = 8;

class Hearer final : public Subscriber {
 public:
  using Subscriber::Subscriber;
};

std::string Encode(const std::string& event, const std::string& header = "") {
  v1::Message message;
  message.set_queue("DB");
  message.set_event(event);
  if (!header.empty()) (*message.mutable_headers())[header] = "";
  EntrySuffix suffix(/*epoch=*/5, absl::UnixEpoch(), "");
  suffix.SetSequence(1);
  const std::string body = message.SerializeAsString();
  std::string entry(suffix.EntrySize(body.size()), '\0');
  suffix.WriteEntry(body, entry.data());
  return entry;
}

class MatchCounterTest : public testing::Test {
 protected:
  // A subscription to all events.
  Cursor* AddCursor() {
    auto client = std::make_shared<Client>(100 + cursors_.size(), "c", "s", absl::UnixEpoch());
    hearers_.push_back(
        std::make_shared<Hearer>(Subscriber::Options{std::move(client), v1::OVERFLOW_DROP_OLDEST, 0, &lane_, nullptr}));
    cursors_.push_back(std::make_unique<Cursor>());
    cursors_.back()->subscriber = hearers_.back().get();
    cursors_.back()->filter.all = true;
    return cursors_.back().get();
  }
  void Listen(Cursor* cursor, uint64_t target, const std::string& event) {
    const std::shared_ptr<Channel> channel = table_.Open(target, event);
    channel->listeners[0].insert(cursor);
    if (cursor->filter.picks(*channel)) channel->pickers.insert(cursor);
  }
  uint64_t Count(const std::string& event, const std::vector<uint64_t>& targets = {},
                 const std::vector<uint64_t>& excepts = {}, const std::string& header = "") {
    log::Audience audience{targets.empty(), targets, excepts};
    const std::string entry = Encode(event, header);
    return counter_.Count({/*stamp=*/5, &audience, entry.data()}, event);
  }

  Lane lane_{0};
  ChannelTable table_{1};
  std::vector<std::shared_ptr<Hearer>> hearers_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  MatchCounter counter_{&table_, Members::kThen};
};

TEST_F(MatchCounterTest, ASubscriptionThatHearsAMessageInSeveralRoomsCountsOnce) {
  for (uint64_t room : {kKitchen, kHall}) Listen(AddCursor(), room, "");
  Cursor* const both = AddCursor();
  for (uint64_t room : {kKitchen, kHall}) Listen(both, room, "");
  EXPECT_EQ(Count("E", {kKitchen, kHall}), 3u);
  EXPECT_EQ(Count("E", {kKitchen}), 2u);
  EXPECT_EQ(Count("E"), 0u);
}

TEST_F(MatchCounterTest, ASubscriptionThatHearsAMessageByTwoPatternsCountsOnce) {
  Cursor* const cursor = AddCursor();
  for (const char* pattern : {"a.*", "*.x"}) Listen(cursor, kEveryone, pattern);
  EXPECT_EQ(Count("a.x"), 1u);
  EXPECT_EQ(Count("a.y"), 1u);
  EXPECT_EQ(Count("b.y"), 0u);
}

TEST_F(MatchCounterTest, ExceptedClientsAndRoomsDoNotCount) {
  for (int i = 0; i < 3; ++i) Listen(AddCursor(), kEveryone, "");
  hearers_[1]->client().memberships().Join(kKitchen, /*stamp=*/1);
  EXPECT_EQ(Count("E"), 3u);
  EXPECT_EQ(Count("E", {}, {100}), 2u);
  EXPECT_EQ(Count("E", {}, {100, kKitchen}), 1u);
}

TEST_F(MatchCounterTest, FiltersOfHeadersAndEventsAreAskedForEachMessage) {
  const std::vector<HeaderFilter> urgent = {{"urgent", {}}};
  Listen(AddCursor(), kEveryone, "");
  Cursor* const picky = AddCursor();
  picky->filter.headers = &urgent;
  Listen(picky, kEveryone, "");
  const Pattern pattern = *Pattern::Parse("event", "a.*");
  Cursor* const some = AddCursor();
  some->filter.all = false;
  some->filter.patterns = {&pattern};
  Listen(some, kEveryone, "");
  EXPECT_EQ(Count("E"), 1u);
  EXPECT_EQ(Count("E", {}, {}, "urgent"), 2u);
  EXPECT_EQ(Count("a.x"), 2u);
  EXPECT_EQ(Count("a.x", {}, {}, "urgent"), 3u);
}

TEST_F(MatchCounterTest, OneWithAPatternInOneRoomAndAllEventsInAnotherCountsOnce) {
  const Pattern pattern = *Pattern::Parse("event", "a.*");
  Cursor* const cursor = AddCursor();
  cursor->filter.all = false;
  cursor->filter.patterns = {&pattern};
  Listen(cursor, kKitchen, "a.*");
  Listen(cursor, kHall, "");
  EXPECT_EQ(Count("a.x", {kKitchen, kHall}), 1u);
  EXPECT_EQ(Count("b.x", {kKitchen, kHall}), 0u);
}

// What is not there cannot be looked at.
TEST_F(MatchCounterTest, ListenersOfAChannelAreNotLookedAt) {
  for (int i = 0; i < 10'000; ++i) {
    cursors_.push_back(std::make_unique<Cursor>());
    cursors_.back()->subscriber = nullptr;
    cursors_.back()->filter.all = true;
    Listen(cursors_.back().get(), kEveryone, "");
  }
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(Count("E"), 10'000u);
}

TEST_F(MatchCounterTest, ListenersOfSeveralChannelsAreLookedAtOnce) {
  for (int i = 0; i < 100; ++i) {
    Cursor* const cursor = AddCursor();
    for (uint64_t room : {kKitchen, kHall}) Listen(cursor, room, "");
  }
  EXPECT_EQ(Count("E", {kKitchen, kHall}, {100}), 99u);
  for (const auto& cursor : cursors_) cursor->subscriber = nullptr;
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(Count("E", {kKitchen, kHall}, {100}), 99u);
}

}  // namespace
}  // namespace nmq::broker
