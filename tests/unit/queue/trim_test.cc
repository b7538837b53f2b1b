// What of a queue is left, and heard, when the disk fails while messages are given up.
#include <memory>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "server/log/log_wait.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/harness.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// The ring in memory holds two messages.
constexpr char kConfig[] = R"(
    limits { queue_messages: 2 }
    namespace {
      name: "default"
      queue { name: "D" durability: DURABILITY_DURABLE retention { age { seconds: 100 } } }
    })";

// A queue of six messages, three of them older than it keeps any, and a subscription that has heard none of them.
class TrimOnABrokenDisk : public testing::Test {
 protected:
  TrimOnABrokenDisk() {
    world_ = std::make_unique<World>(kConfig, /*lanes=*/1, directory_, env_.get());
    slow_ = world_->Listen(world_->Connect(), {{"D", ""}});
    for (int i = 1; i <= 6; ++i) {
      EXPECT_TRUE(world_->Publish({.queue = "D", .payload = std::to_string(i)}).ok());
      if (i == 3) world_->clock().Advance(absl::Seconds(200));
    }
    fs_->FailSyncs(true);
  }
  ~TrimOnABrokenDisk() override {
    slow_ = nullptr;
    world_ = nullptr;
  }

  // What comes in so many reads from disk; more than it takes.
  Heard HearAll(Listener* listener) {
    Heard all;
    for (int i = 0; i < 8; ++i) {
      Heard heard = listener->HearAll();
      all.order.insert(all.order.end(), heard.order.begin(), heard.order.end());
      all.gaps.insert(all.gaps.end(), heard.gaps.begin(), heard.gaps.end());
      if (all.status.ok()) all.status = heard.status;
      world_->storage().log().Flush();
    }
    return all;
  }
  std::unique_ptr<Listener> FromEarliest() { return world_->Listen(world_->Connect(), {{"D", ""}}, Earliest()); }

  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  const std::string directory_ = FreshDirectory();
  std::unique_ptr<World> world_;
  std::unique_ptr<Listener> slow_;
};

TEST_F(TrimOnABrokenDisk, WhatAPurgeGaveUpIsAGapThoughItFailed) {
  EXPECT_FALSE(world_->name_space().PurgeQueue("D", 3).ok());
  const Heard heard = HearAll(slow_.get());
  EXPECT_THAT(heard.order, ElementsAre("gap 1-3", "4", "5", "6"));
  ASSERT_THAT(heard.gaps, SizeIs(1));
  EXPECT_EQ(heard.gaps[0].reason(), v1::GAP_REASON_PURGED);
  EXPECT_THAT(HearAll(FromEarliest().get()).order, ElementsAre("4", "5", "6"));
}

TEST_F(TrimOnABrokenDisk, WhatTheRetentionGaveUpIsAGapThoughThatFailed) {
  world_->name_space().TrimQueues();
  EXPECT_THAT(HearAll(slow_.get()).order, ElementsAre("gap 1-3", "4", "5", "6"));
  EXPECT_THAT(HearAll(FromEarliest().get()).order, ElementsAre("4", "5", "6"));
}

// Another thread reads between the trim and the news of it.
TEST_F(TrimOnABrokenDisk, WhatTheStoreAloneKnowsToBeGoneIsAGap) {
  fs_->FailSyncs(false);
  const std::shared_ptr<Queue> queue = *world_->name_space().FindQueue("D");
  ASSERT_TRUE(log::TrimAndWait(queue->disk().log, queue->disk().number, 4, log::Sync::kYes).ok());
  EXPECT_THAT(HearAll(slow_.get()).order, ElementsAre("gap 1-3", "4", "5", "6"));
}

}  // namespace
}  // namespace nmq::broker
