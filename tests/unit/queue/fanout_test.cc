// The fan-out takes messages that have their place in the queue already, wherever that was given to them.
#include "server/queue/fanout.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/message/entry.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kKitchen = 7;  // the number of a room
constexpr uint64_t kMuch = 1 << 20;

class Hearer final : public Subscriber {
 public:
  using Subscriber::Subscriber;
};

// An entry as a server encodes it.
std::string Encode(uint64_t sequence, const std::string& event, const std::string& payload) {
  v1::Message message;
  message.set_queue("DB");
  message.set_event(event);
  message.set_payload(payload);
  EntrySuffix suffix(/*epoch=*/5, absl::FromUnixSeconds(1), "somebody");
  suffix.SetSequence(sequence);
  const std::string body = message.SerializeAsString();
  std::string entry(suffix.EntrySize(body.size()), '\0');
  suffix.WriteEntry(body, entry.data());
  return entry;
}

// The fan-out of a queue that is fed from elsewhere, with clients that listen to it.
class FedFanout : public testing::Test {
 protected:
  ~FedFanout() override {
    for (const auto& cursor : cursors_) fanout_.Detach(cursor.get());
  }

  // A cursor for what is for everyone and for `room`.
  Cursor* Listen(uint64_t room, const std::vector<const Pattern*>& events = {}) {
    const uint64_t number = 100 + cursors_.size();
    auto client = std::make_shared<Client>(number, "c", "s", absl::UnixEpoch());
    if (room != 0) client->memberships().Join(room, 1);
    auto hearer = std::make_shared<Hearer>(
        Subscriber::Options{std::move(client), v1::OVERFLOW_DROP_OLDEST, 0, lanes_[0].get(), nullptr});
    auto cursor = std::make_unique<Cursor>();
    cursor->subscriber = hearer.get();
    cursor->filter.all = events.empty();
    cursor->filter.patterns = events;
    std::vector<uint64_t> targets = {kEveryone, number};
    if (room != 0) targets.push_back(room);
    v1::QueuePosition position;
    fanout_.Attach(cursor.get(), Start(), targets, &position);
    hearers_.push_back(std::move(hearer));
    cursors_.push_back(std::move(cursor));
    return cursors_.back().get();
  }

  // Another server's message arrives.
  void Arrive(const std::string& payload, const std::string& event = "E",
              std::shared_ptr<const log::Audience> audience = nullptr) {
    const uint64_t sequence = log_.end();
    const std::string entry = Encode(sequence, event, payload);
    Fanout::Touched touched;
    fanout_.Add({sequence, ++stamp_, audience, event, entry.size()}, /*now_us=*/0, &touched,
                [&](char* place) { std::copy(entry.begin(), entry.end(), place); });
    fanout_.Trim(/*now_us=*/0, touched.size());
    fanout_.Post(touched, [] { return nullptr; });
  }
  static std::shared_ptr<const log::Audience> InKitchen() {
    auto audience = std::make_shared<log::Audience>();
    audience->targets = {kKitchen};
    return audience;
  }

  // The cursors that the lane's thread would be told of.
  std::vector<Subscriber*> TakeTurn() {
    std::vector<Subscriber*> ready;
    Lane::Posted posted;
    lanes_[0]->Take(&posted);
    for (const Lane::Dirty& dirty : posted.channels) fanout_.MarkListeners(dirty.channel.get(), 0, &ready);
    for (Subscriber* subscriber : ready) subscriber->ClearReady();
    return ready;
  }
  std::vector<std::string> Read(Cursor* cursor) {
    Delivery delivery;
    while (fanout_.reader().Read(cursor, kMuch, &delivery)) {
    }
    std::string bytes;
    for (const log::ByteRange& range : delivery.ranges) {
      bytes.append(range.chunk.get()->data() + range.offset, range.length);
    }
    v1::Batch batch;
    EXPECT_TRUE(batch.ParseFromString(bytes));
    std::vector<std::string> payloads;
    for (const v1::Message& message : batch.messages()) payloads.push_back(message.payload());
    return payloads;
  }

  SimulatedClock clock_;
  log::RingTotal total_{kMuch};
  const std::unique_ptr<Lane> lanes_[1] = {std::make_unique<Lane>(0)};
  MessageLog log_{{"DB", /*epoch=*/5, {kMuch, 3, absl::Minutes(1)}, {}, &total_, &clock_, {}}};
  Fanout fanout_{&log_, lanes_, nullptr};
  std::vector<std::shared_ptr<Hearer>> hearers_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
  uint64_t stamp_ = 1;
};

TEST_F(FedFanout, WhatArrivesIsHeardByThoseThatItIsFor) {
  Cursor* const cook = Listen(kKitchen);
  Cursor* const guest = Listen(0);
  Arrive("for all");
  Arrive("for cooks", "E", InKitchen());
  EXPECT_THAT(Read(cook), ElementsAre("for all", "for cooks"));
  EXPECT_THAT(Read(guest), ElementsAre("for all"));
}

TEST_F(FedFanout, OnlyThoseThatItIsForAreWoken) {
  Cursor* const cook = Listen(kKitchen);
  Listen(0);
  Arrive("for cooks", "E", InKitchen());
  EXPECT_THAT(TakeTurn(), ElementsAre(cook->subscriber));
  EXPECT_THAT(TakeTurn(), IsEmpty());
}

TEST_F(FedFanout, APatternHearsItsEvents) {
  const Pattern pattern = *Pattern::Parse("event", "a.*");
  Cursor* const some = Listen(0, {&pattern});
  Arrive("1", "a.x");
  Arrive("2", "b.x");
  EXPECT_THAT(Read(some), ElementsAre("1"));
}

TEST_F(FedFanout, TheQueueThatIsFedKeepsItsBounds) {
  Cursor* const slow = Listen(0);
  for (const char* payload : {"1", "2", "3", "4", "5"}) Arrive(payload);
  EXPECT_EQ(log_.first(), 3u);
  Delivery delivery;
  EXPECT_TRUE(fanout_.reader().Read(slow, kMuch, &delivery));
  ASSERT_TRUE(delivery.has_gap);
  EXPECT_EQ(delivery.gap.count(), 2u);
  EXPECT_THAT(Read(slow), ElementsAre("3", "4", "5"));
}

}  // namespace
}  // namespace nmq::broker
