#include "server/queue/storage_records.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store.h"
#include "server/log/store_format.h"
#include "tests/testing/fresh_directory.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

class StorageRecords : public testing::Test {
 protected:
  StorageRecords() {
    auto store = log::Store::Open({FreshDirectory()});
    EXPECT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  void Write() {
    EXPECT_TRUE(store_->Write(&batch_, log::Sync::kNo).ok());
    batch_.Clear();
  }
  void AppendMessage(uint64_t queue) { batch_.Append(queue, {.sequence = 1, .time_us = 1, .entry = "entry"}); }
  bool HoldsMessage(uint64_t queue) { return store_->FindExtent(queue)->bytes > 0; }
  bool HoldsKey(log::Table table, uint64_t queue) { return store_->Get(table, log::BigEndian(queue)).ok(); }

  std::unique_ptr<log::Store> store_;
  log::Batch batch_;
};

storage::v1::Queue Numbered(uint64_t number) {
  storage::v1::Queue queue;
  queue.set_number(number);
  return queue;
}

TEST_F(StorageRecords, AreReadByPathAndName) {
  AddQueue(QueuePath("n", "a"), Numbered(1), &batch_);
  AddQueue(QueuePath("n", "b"), Numbered(2), &batch_);
  storage::v1::Namespace open;
  open.set_automatic_queues(true);
  AddNamespace("n", open, &batch_);
  AddNamespace("m", {}, &batch_);
  Write();
  const auto queues = ReadQueues(*store_);
  ASSERT_TRUE(queues.ok()) << queues.status();
  EXPECT_THAT(*queues, UnorderedElementsAre(Key("n/a"), Key("n/b")));
  EXPECT_EQ(queues->at("n/b").number(), 2u);
  const auto namespaces = ReadNamespaces(*store_);
  ASSERT_TRUE(namespaces.ok()) << namespaces.status();
  EXPECT_THAT(*namespaces, UnorderedElementsAre(Key("n"), Key("m")));
  EXPECT_TRUE(namespaces->at("n").automatic_queues());
  EXPECT_FALSE(namespaces->at("m").automatic_queues());
}

TEST_F(StorageRecords, RemovedOnesAreGone) {
  AddQueue("n/a", Numbered(1), &batch_);
  AddQueue("n/b", Numbered(2), &batch_);
  AddNamespace("n", {}, &batch_);
  Write();
  RemoveQueue("n/a", &batch_);
  RemoveNamespace("n", &batch_);
  Write();
  EXPECT_THAT(*ReadQueues(*store_), ElementsAre(Key("n/b")));
  EXPECT_THAT(*ReadNamespaces(*store_), IsEmpty());
}

TEST_F(StorageRecords, NoNumberIsLastBeforeOneIsGiven) {
  EXPECT_EQ(*ReadLastNumber(*store_), 0u);
  AddLastNumber(41, &batch_);
  AddLastNumber(42, &batch_);
  Write();
  EXPECT_EQ(*ReadLastNumber(*store_), 42u);
}

TEST_F(StorageRecords, OneThatCannotBeReadIsDataLoss) {
  for (const char* key : {"queue/n/a", "namespace/n", "last_number"}) batch_.Put(log::Table::kMeta, key, "\xff");
  Write();
  EXPECT_EQ(ReadQueues(*store_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadNamespaces(*store_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReadLastNumber(*store_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(StorageRecords, PolicyComesBack) {
  QueueConfig config;
  config.name = "a";
  config.events = {"e.1", "e.2"};
  config.durability = v1::DURABILITY_BUFFERED;
  config.retention = {.bytes = 1, .messages = 2, .age = absl::Seconds(3) + absl::Nanoseconds(4)};
  storage::v1::Queue queue;
  SetPolicy(config, &queue);
  EXPECT_TRUE(queue.made_by_admin());
  const QueueConfig back = PolicyOf("a", queue);
  EXPECT_EQ(back.name, "a");
  EXPECT_THAT(back.events, ElementsAre("e.1", "e.2"));
  EXPECT_EQ(back.durability, v1::DURABILITY_BUFFERED);
  EXPECT_EQ(back.retention.bytes, 1u);
  EXPECT_EQ(back.retention.messages, 2u);
  EXPECT_EQ(back.retention.age, config.retention.age);
}

TEST_F(StorageRecords, EverythingOfAMarkedQueueIsDeletedAndNothingOfOthers) {
  for (const uint64_t queue : {7, 8}) {
    AppendMessage(queue);
    for (const log::Table table : kTablesByQueue) batch_.Put(table, log::BigEndian(queue), "x");
  }
  Write();
  AddDeletion(7, &batch_);
  Write();
  EXPECT_TRUE(HoldsMessage(7));
  for (const log::Table table : kTablesByQueue) {
    EXPECT_FALSE(HoldsKey(table, 7));
    EXPECT_TRUE(HoldsKey(table, 8));
  }
  ASSERT_TRUE(DeleteMarked(store_.get()).ok());
  EXPECT_FALSE(HoldsMessage(7));
  EXPECT_TRUE(HoldsMessage(8));
  // The mark is gone: what comes under this number stays.
  AppendMessage(7);
  Write();
  ASSERT_TRUE(DeleteMarked(store_.get()).ok());
  EXPECT_TRUE(HoldsMessage(7));
}

}  // namespace
}  // namespace nmq::broker
