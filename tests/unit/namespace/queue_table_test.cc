#include "server/namespace/queue_table.h"

#include <string>
#include <vector>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/namespace/parts.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;

TEST(QueueTable, KnowsAQueueByItsNameUntilItIsRemoved) {
  Parts parts;
  const std::shared_ptr<Queue> queue = parts.AddQueue("DB");
  EXPECT_EQ(*parts.queues.Get("DB"), queue);
  EXPECT_EQ(*parts.queues.Find("DB"), queue);
  EXPECT_EQ(parts.queues.Find("db"), nullptr);
  parts.queues.Remove(queue->name());
  EXPECT_FALSE(parts.queues.Contains("DB"));
  EXPECT_EQ(parts.queues.size(), 0u);
}

TEST(QueueTable, TellsTheQueueThatIsNotThere) {
  Parts parts;
  const absl::Status status = parts.queues.Get("DB").status();
  EXPECT_EQ(ReasonOf(status), "QUEUE_NOT_FOUND");
  EXPECT_EQ(MetadataOf(status, "queue"), "DB");
  EXPECT_EQ(MetadataOf(status, "namespace"), "N");
  // The namespace may well make queues by itself, where messages are published to them.
  EXPECT_EQ(status.message(),
            "namespace \"N\" has no queue \"DB\"; declare it in the configuration, or make it with Admin.CreateQueue");
}

TEST(QueueTable, SaysThatAQueueMayBeHiddenWhereCallersAreAsked) {
  Parts parts;
  const QueueTable asking("N", &parts.limits, &parts.changes, /*asks_callers=*/true);
  EXPECT_THAT(std::string(asking.Get("DB").status().message()),
              testing::EndsWith("unless it is one with which you may do nothing; Registry.Explain tells"));
}

TEST(QueueTable, HasRoomUpToTheLimit) {
  Parts parts;
  parts.limits.queues_per_namespace = 3;
  parts.AddQueue("DB");
  EXPECT_TRUE(parts.queues.CheckRoom(2).ok());
  EXPECT_EQ(MetadataOf(parts.queues.CheckRoom(3), "limit"), "queues_per_namespace");
}

TEST(QueueTable, TellsOfEachChange) {
  Parts parts;
  parts.AddQueue("DB");
  parts.queues.Remove("DB");
  uint64_t upto = 0;
  const auto changes = parts.changes.Read(0, "N", 10, &upto);
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_EQ((*changes)[0].kind(), v1::CHANGE_KIND_QUEUE_CREATED);
  EXPECT_EQ((*changes)[1].kind(), v1::CHANGE_KIND_QUEUE_DELETED);
  EXPECT_EQ((*changes)[1].queue(), "DB");
}

TEST(QueueTable, ServesAndListsAll) {
  Parts parts;
  for (const char* name : {"NET", "DB", "FS"}) parts.AddQueue(name);
  EXPECT_EQ(parts.queues.Served().size(), 3u);
  std::vector<std::string> names;
  EXPECT_EQ(parts.queues.Visit("", 2,
                               [&](const Queue& queue) {
                                 names.push_back(queue.name());
                                 return true;
                               }),
            "FS");
  EXPECT_THAT(names, ElementsAre("DB", "FS"));
}

TEST(QueueFactory, GivesEachLiveQueueAnEpochOfItsOwn) {
  Parts parts;
  EXPECT_NE(parts.AddQueue("DB")->epoch(), parts.AddQueue("FS")->epoch());
}

TEST(QueueFactory, AnAutomaticQueueIsLiveAndOneForDeadLettersIsDurable) {
  Parts parts;
  const QueueFactory factory = parts.NewFactory();
  EXPECT_EQ(factory.Automatic("DB").durability, v1::DURABILITY_LIVE);
  EXPECT_EQ(factory.Automatic("DB").retention.messages, parts.limits.queue_messages);
  EXPECT_EQ(factory.DeadLetters("DEAD").durability, v1::DURABILITY_DURABLE);
  EXPECT_EQ(factory.DeadLetters("DEAD").retention.messages, parts.limits.durable_messages);
}

TEST(Epochs, NeverGoBackThoughTheClockDoes) {
  SimulatedClock clock;
  Epochs epochs(&clock);
  const uint64_t first = epochs.Next();
  EXPECT_EQ(first, static_cast<uint64_t>(absl::ToUnixMicros(clock.Now())));
  EXPECT_EQ(epochs.Next(), first + 1);
  clock.SetWall(clock.Now() - absl::Hours(1));
  EXPECT_EQ(epochs.Next(), first + 2);
}

}  // namespace
}  // namespace nmq::broker
