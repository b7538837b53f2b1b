#ifndef NMQ_TESTS_UNIT_BENCH_STORING_CLIENT_FACTS_H_
#define NMQ_TESTS_UNIT_BENCH_STORING_CLIENT_FACTS_H_

// What holds for every system that stores messages. Include it once, and instantiate StoringClient with the system.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/harness/temporary_folder.h"

namespace nmq::bench {

using StoringSystemFactory = System (*)(const std::string& log);

class StoringClient : public testing::TestWithParam<StoringSystemFactory> {
 protected:
  void SetUp() override {
    auto folder = TemporaryFolder::Make(testing::TempDir());
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_ = *std::move(folder);
    Start();
  }

  void TearDown() override { system_ = {}; }

  // A server that runs is killed before.
  void Start() {
    system_ = {};
    auto system = GetParam()(testing::TempDir() + "/server.log").start_storing(folder_->path());
    ASSERT_TRUE(system.ok()) << system.status();
    system_ = *std::move(system);
  }

  // Publishes that many, and expects all of them to be accepted.
  void Store(uint64_t messages, PublishWay way = PublishWay::kStream, int window = 16) {
    auto publisher = system_.client->Publish(
        {.queue = kStoredQueue, .way = way, .batch = 100, .window = window, .max_messages = messages});
    ASSERT_TRUE(publisher.ok()) << publisher.status();
    (*publisher)->RecordAnswers();
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!(*publisher)->done() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
    const absl::Status finished = (*publisher)->Finish();
    EXPECT_TRUE(finished.ok()) << finished;
    EXPECT_EQ((*publisher)->accepted(), messages);
    EXPECT_LE((*publisher)->answers().count(), messages);
  }

  void ExpectHistory(uint64_t messages) {
    const auto read = system_.client->ReadHistory({.queue = kStoredQueue, .messages = messages});
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->messages, messages);
    EXPECT_EQ(read->wrong, 0u);
    EXPECT_GT(read->time, absl::ZeroDuration());
  }

  void ExpectConsumed(uint64_t messages, int consumers) {
    const auto consumed =
        system_.client->Consume({.queue = kStoredQueue, .consumers = consumers, .messages = messages});
    ASSERT_TRUE(consumed.ok()) << consumed.status();
    EXPECT_EQ(consumed->messages, messages);
    EXPECT_EQ(consumed->wrong, 0u);
    EXPECT_GT(consumed->time, absl::ZeroDuration());
  }

  std::unique_ptr<TemporaryFolder> folder_;
  RunningSystem system_;
};

TEST_P(StoringClient, WhatIsPublishedOneByOneIsStored) {
  Store(50, PublishWay::kUnary, 1);
  ExpectHistory(50);
}

TEST_P(StoringClient, WhatIsPublishedWithSeveralOnTheirWayIsStored) {
  Store(500, PublishWay::kUnary, 64);
  ExpectHistory(500);
}

TEST_P(StoringClient, HistoryIsReadFromItsBegin) {
  Store(5000);
  ExpectHistory(5000);
  ExpectHistory(5000);
}

TEST_P(StoringClient, OneConsumerGetsEveryMessageOnce) {
  Store(3000);
  ExpectConsumed(3000, 1);
}

TEST_P(StoringClient, FourConsumersShareTheMessages) {
  Store(3000);
  ExpectConsumed(3000, 4);
}

TEST_P(StoringClient, WhatIsStoredSurvivesTheServer) {
  Store(1000);
  Start();
  ExpectHistory(1000);
}

TEST_P(StoringClient, ServerThatIsGoneIsAnError) {
  system_.server.reset();
  EXPECT_FALSE(system_.client->Publish({.queue = kStoredQueue}).ok());
  EXPECT_FALSE(system_.client->Consume({.queue = kStoredQueue, .messages = 1}).ok());
  EXPECT_FALSE(system_.client->ReadHistory({.queue = kStoredQueue, .messages = 1}).ok());
}

TEST_P(StoringClient, ServerEndsAsItShould) {
  Store(100);
  system_.client.reset();
  const absl::Status status = system_.server->Stop();
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace nmq::bench

#endif  // NMQ_TESTS_UNIT_BENCH_STORING_CLIENT_FACTS_H_
