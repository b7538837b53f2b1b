#include "server/presence/changes.h"

#include <malloc.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Change Of(const std::string& name_space) {
  v1::Change change;
  change.set_namespace_(name_space);
  return change;
}

// What happened after `revision`, one word each.
std::vector<std::string> After(const Changes& changes, uint64_t revision) {
  uint64_t upto;
  auto read = changes.Read(revision, "", 10000, &upto);
  EXPECT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(upto, changes.revision());
  std::vector<std::string> words;
  for (const auto& change : *read) {
    EXPECT_EQ(change.revision(), ++revision);
    std::string word = v1::ChangeKind_Name(change.kind()).substr(12);
    for (const std::string& part : {change.room(), change.queue(), change.reason()}) {
      if (!part.empty()) word += " " + part;
    }
    words.push_back(word);
  }
  return words;
}

TEST(Changes, AreNumberedFromOneWithTheirTime) {
  SimulatedClock clock;
  Changes changes(10, &clock);
  EXPECT_EQ(changes.revision(), 0u);
  changes.Append(Of("a"));
  clock.Advance(absl::Milliseconds(1500));
  changes.Append(Of("b"));
  EXPECT_EQ(changes.revision(), 2u);
  uint64_t upto;
  const auto read = *changes.Read(0, "", 10, &upto);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].revision(), 1u);
  EXPECT_EQ(read[1].time().seconds(), 1'700'000'001);
  EXPECT_EQ(read[1].time().nanos(), 500'000'000);
}

TEST(Changes, AreReadInPortionsAndByNamespace) {
  SimulatedClock clock;
  Changes changes(100, &clock);
  for (int i = 0; i < 10; ++i) changes.Append(Of(i % 2 == 0 ? "even" : "odd"));
  uint64_t upto;
  EXPECT_EQ(changes.Read(0, "", 4, &upto)->size(), 4u);
  EXPECT_EQ(upto, 4u);
  EXPECT_EQ(changes.Read(4, "", 100, &upto)->size(), 6u);
  EXPECT_EQ(upto, 10u);
  EXPECT_EQ(changes.Read(10, "", 100, &upto)->size(), 0u);
  EXPECT_EQ(upto, 10u);
  EXPECT_EQ(changes.Read(0, "odd", 2, &upto)->size(), 2u);
  EXPECT_EQ(upto, 4u);
  EXPECT_EQ(changes.Read(4, "odd", 100, &upto)->size(), 3u);
  EXPECT_EQ(changes.Read(0, "none", 100, &upto)->size(), 0u);
  EXPECT_EQ(upto, 10u);
}

TEST(Changes, TakeLittleMoreThanTheirText) {
  constexpr int kChanges = 1024;
  constexpr size_t kBytesMax = 260;
  SimulatedClock clock;
  Changes changes(kChanges, &clock);
  v1::Change change = Of("namespace");
  change.set_kind(v1::CHANGE_KIND_SUBSCRIPTION_STARTED);
  change.set_client_id(std::string(24, 'c'));
  change.set_client_name(std::string(24, 'n'));
  change.set_subscription_id(std::string(27, 's'));
  const size_t before = mallinfo2().uordblks;  // nothing under a sanitizer, whose heap is another
  for (int i = 0; i < kChanges; ++i) changes.Append(change);
  EXPECT_LT((mallinfo2().uordblks - before) / kChanges, kBytesMax);
}

TEST(Changes, OnlySoManyAreHeld) {
  SimulatedClock clock;
  Changes changes(5, &clock);
  for (int i = 0; i < 8; ++i) changes.Append(Of("a"));
  uint64_t upto;
  EXPECT_EQ(changes.Read(3, "", 100, &upto)->size(), 5u);
  const absl::Status gone = changes.Read(2, "", 100, &upto).status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(gone), "REVISION_NOT_HELD");
  EXPECT_TRUE(changes.Read(8, "", 100, &upto).ok());
  const absl::Status ahead = changes.Read(9, "", 100, &upto).status();
  EXPECT_EQ(ahead.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(ahead), "REVISION_NOT_REACHED");
  EXPECT_FALSE(changes.Read(~uint64_t{0}, "", 100, &upto).ok());
}

TEST(Changes, ListenersAreToldAfterTheLastChange) {
  SimulatedClock clock;
  Changes changes(10, &clock);
  int told = 0;
  const Changes::Listener listener = std::make_shared<const std::function<void()>>([&] { ++told; });
  changes.Listen(listener);
  changes.Notify();
  EXPECT_EQ(told, 0) << "nothing happened";
  changes.Append(Of("a"));
  changes.Append(Of("a"));
  changes.Notify();
  EXPECT_EQ(told, 1);
  changes.Notify();
  EXPECT_EQ(told, 1);
  changes.Unlisten(listener);
  changes.Append(Of("a"));
  changes.Notify();
  EXPECT_EQ(told, 1);
}

TEST(Changes, FromManyThreadsNoneIsMissed) {
  SimulatedClock clock;
  Changes changes(100'000, &clock);
  std::atomic<uint64_t> seen{0};
  const Changes::Listener listener = std::make_shared<const std::function<void()>>([&] {
    uint64_t now = changes.revision();
    uint64_t before = seen.load();
    while (before < now && !seen.compare_exchange_weak(before, now)) {
    }
  });
  changes.Listen(listener);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5000; ++j) {
        changes.Append(Of("a"));
        changes.Notify();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(changes.revision(), 20'000u);
  EXPECT_EQ(seen.load(), 20'000u);
}

TEST(Changes, TellTheLifeOfAClient) {
  World world;
  const Changes& changes = world.broker().changes();
  const uint64_t start = changes.revision();
  EXPECT_THAT(After(changes, start), IsEmpty());
  const Member member = world.Connect();
  ASSERT_TRUE(world.Join(member, {"red", "blue"}).ok());
  ASSERT_TRUE(world.Join(member, {"red"}).ok());
  EXPECT_THAT(After(changes, start), ElementsAre("CLIENT_CONNECTED", "ROOM_CREATED red", "ROOM_JOINED red",
                                                 "ROOM_CREATED blue", "ROOM_JOINED blue"));
  const uint64_t before = changes.revision();
  auto listener = world.Listen(member);
  ASSERT_TRUE(world.Publish({}).ok());
  ASSERT_TRUE(world.Publish({}).ok());
  ASSERT_TRUE(world.Leave(member, {"red", "red"}).ok());
  listener->Close("DONE");
  EXPECT_THAT(After(changes, before), ElementsAre("SUBSCRIPTION_STARTED", "QUEUE_CREATED DB", "ROOM_LEFT red",
                                                  "ROOM_DELETED red", "SUBSCRIPTION_ENDED DONE"));
}

TEST(Changes, RoomsAndSubscriptionsGoBeforeTheirClient) {
  World world;
  const Member member = world.Connect("", {"red"});
  auto listener = world.Listen(member);
  const uint64_t before = world.broker().changes().revision();
  ASSERT_TRUE(world.Disconnect(member).ok());
  listener->Close();
  EXPECT_THAT(After(world.broker().changes(), before),
              ElementsAre("SUBSCRIPTION_ENDED DISCONNECTED", "ROOM_LEFT red", "ROOM_DELETED red",
                          "CLIENT_DISCONNECTED DISCONNECTED"));
}

TEST(Changes, OfAnExpiredLeaseSaySo) {
  World world;
  world.Connect();
  const uint64_t before = world.broker().changes().revision();
  world.clock().Advance(absl::Minutes(1));
  world.Housekeep();
  EXPECT_THAT(After(world.broker().changes(), before), ElementsAre("CLIENT_DISCONNECTED LEASE_EXPIRED"));
}

// A list and then the changes after its revision is what a list would be, whatever happens meanwhile.
TEST(Changes, ListAndThenWatchMissesNothing) {
  World world;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&world, &stop] {
      while (!stop.load()) {
        const Member member = world.Connect("", {"red"});
        EXPECT_TRUE(world.Leave(member, {"red"}).ok());
        EXPECT_TRUE(world.Disconnect(member).ok());
      }
    });
  }
  std::set<std::string> ids;
  uint64_t revision = 0;
  for (int round = 0; round < 200; ++round) {
    v1::ListClientsResponse list;
    ASSERT_TRUE(world.registry().ListClients(TestCall(), {}, &list).ok());
    if (round == 0) {
      revision = list.revision();
      for (const auto& client : list.clients()) ids.insert(client.id());
    }
    uint64_t upto;
    auto read = world.broker().changes().Read(revision, "", 100'000, &upto);
    if (!read.ok()) {
      // Too slow: list again.
      ids.clear();
      revision = list.revision();
      for (const auto& client : list.clients()) ids.insert(client.id());
      continue;
    }
    for (const auto& change : *read) {
      if (change.kind() == v1::CHANGE_KIND_CLIENT_CONNECTED) ids.insert(change.client_id());
      if (change.kind() == v1::CHANGE_KIND_CLIENT_DISCONNECTED) ids.erase(change.client_id());
    }
    revision = upto;
  }
  const Member last = world.Connect();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  uint64_t upto;
  auto read = world.broker().changes().Read(revision, "", 1'000'000, &upto);
  ASSERT_TRUE(read.ok());
  for (const auto& change : *read) {
    if (change.kind() == v1::CHANGE_KIND_CLIENT_CONNECTED) ids.insert(change.client_id());
    if (change.kind() == v1::CHANGE_KIND_CLIENT_DISCONNECTED) ids.erase(change.client_id());
  }
  EXPECT_THAT(ids, ElementsAre(last.id));
}

}  // namespace
}  // namespace nmq::broker
