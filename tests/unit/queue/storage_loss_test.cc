// What a data directory says of its queues after a loss that was accepted.
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errors.h"
#include "base/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store_errors.h"
#include "server/log/store_format.h"
#include "server/queue/request_id_store.h"
#include "server/queue/storage.h"
#include "tests/testing/change_database.h"
#include "tests/testing/fresh_directory.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class StorageLossTest : public testing::Test {
 protected:
  StorageLossTest() {
    options_.directory = FreshDirectory();
    Open();
  }

  void Open() {
    storage_.reset();
    auto storage = Storage::Open(options_, &clock_, &SystemRandom());
    ASSERT_TRUE(storage.ok()) << storage.status();
    storage_ = *std::move(storage);
  }
  // Loses the note of what was synced, which is a loss like any other, and goes on.
  void LoseAndGoOn() {
    storage_.reset();
    std::filesystem::remove(options_.directory + "/SYNCED");
    EXPECT_EQ(ReasonOf(Storage::Open(options_, &clock_, &SystemRandom()).status()), log::kReasonStoreIncomplete);
    options_.accept_loss = true;
    Open();
    options_.accept_loss = false;
  }
  QueueOnDisk OpenQueue(const std::string& path) {
    const std::vector<std::string> names = absl::StrSplit(path, '/');
    auto queue = storage_->OpenQueue(names[0], names[1], v1::DURABILITY_DURABLE);
    EXPECT_TRUE(queue.ok()) << queue.status();
    return queue.ok() ? *queue : QueueOnDisk();
  }
  void Append(uint64_t number, uint64_t first, uint64_t end) {
    log::Batch batch;
    for (uint64_t sequence = first; sequence < end; ++sequence) {
      batch.Append(number, {sequence, 1, 0, "", "entry"});
      PutRequestId(number, sequence, 1, absl::StrCat("id-", sequence), &batch);
    }
    ASSERT_TRUE(storage_->store().Write(&batch, log::Sync::kYes).ok());
  }
  // Deletes messages behind the store's back.
  void Delete(uint64_t number, uint64_t first, uint64_t end) {
    storage_.reset();
    ChangeDatabase(options_.directory, [&](rocksdb::DB* db, const DatabaseTables& tables) {
      for (uint64_t sequence = first; sequence < end; ++sequence) {
        const log::MessageKey key(number, sequence);
        EXPECT_TRUE(
            db->Delete(rocksdb::WriteOptions(), tables.at("messages"), {key.bytes().data(), key.bytes().size()}).ok());
      }
    });
  }
  std::vector<uint64_t> IdsOf(uint64_t number) {
    std::vector<uint64_t> sequences;
    EXPECT_TRUE(LoadRequestIds(&storage_->log(), number, [&](absl::string_view, uint64_t sequence, int64_t) {
                  sequences.push_back(sequence);
                }).ok());
    return sequences;
  }

  SimulatedClock clock_;
  log::Store::Options options_;
  std::unique_ptr<Storage> storage_;
};

TEST_F(StorageLossTest, EveryQueueBeginsANewEpochAndKnowsThoseBefore) {
  const QueueOnDisk a = OpenQueue("x/a");
  OpenQueue("y/b");
  Append(a.number, 1, 11);
  EXPECT_THAT(a.past_epochs, SizeIs(0));
  LoseAndGoOn();
  const QueueOnDisk lost = OpenQueue("x/a");
  EXPECT_EQ(lost.number, a.number);
  EXPECT_GT(lost.epoch, a.epoch);
  EXPECT_TRUE(lost.lost);
  ASSERT_THAT(lost.past_epochs, SizeIs(1));
  EXPECT_EQ(lost.past_epochs[0].epoch, a.epoch);
  EXPECT_EQ(lost.past_epochs[0].end, 11u);
  EXPECT_EQ(OpenQueue("y/b").past_epochs[0].end, 1u);

  // It stays so, and is said once.
  Open();
  const QueueOnDisk after = OpenQueue("x/a");
  EXPECT_EQ(after.epoch, lost.epoch);
  EXPECT_FALSE(after.lost);
  ASSERT_THAT(after.past_epochs, SizeIs(1));
}

TEST_F(StorageLossTest, LaterLossThatReachesBackEndsEarlierEpochsToo) {
  const QueueOnDisk a = OpenQueue("x/a");
  Append(a.number, 1, 11);
  LoseAndGoOn();
  Append(a.number, 11, 21);
  Delete(a.number, 6, 21);
  LoseAndGoOn();
  const QueueOnDisk lost = OpenQueue("x/a");
  ASSERT_THAT(lost.past_epochs, SizeIs(2));
  EXPECT_EQ(lost.past_epochs[0].epoch, a.epoch);
  EXPECT_EQ(lost.past_epochs[0].end, 6u);
  EXPECT_EQ(lost.past_epochs[1].end, 6u);
  EXPECT_GT(lost.epoch, lost.past_epochs[1].epoch);
  EXPECT_EQ(lost.extent.end, 6u);
  for (int i = 0; i < 20; ++i) LoseAndGoOn();
  EXPECT_THAT(OpenQueue("x/a").past_epochs, SizeIs(16));
}

TEST_F(StorageLossTest, IdsOfLostMessagesAreForgotten) {
  const QueueOnDisk a = OpenQueue("x/a");
  Append(a.number, 1, 6);
  Delete(a.number, 4, 6);
  LoseAndGoOn();
  EXPECT_THAT(IdsOf(a.number), ElementsAre(1, 2, 3));
}

TEST_F(StorageLossTest, QueueKeepsTheMessagesBehindTheLastThatIsMissing) {
  const QueueOnDisk a = OpenQueue("x/a");
  Append(a.number, 1, 101);
  // As when it is lost up to where the queue was trimmed, and some of what was trimmed is gone.
  Delete(a.number, 1, 11);
  Open();
  Delete(a.number, 21, 31);
  LoseAndGoOn();
  const QueueOnDisk left = OpenQueue("x/a");
  EXPECT_EQ(left.extent.first, 31u);
  EXPECT_EQ(left.extent.end, 101u);
  EXPECT_TRUE(storage_->store().Read(a.number, 31, 101, 1 << 20).ok());
  Append(a.number, 101, 110);
}

TEST_F(StorageLossTest, WhatIsLeftOfAQueueWhoseNameIsLostIsFoundByNoOther) {
  const QueueOnDisk a = OpenQueue("x/a");
  log::Batch batch;
  const uint64_t unknown = a.number + 1;
  batch.Put(log::Table::kGroups, log::BigEndian(unknown + 1) + "name", "");
  ASSERT_TRUE(storage_->store().Write(&batch, log::Sync::kYes).ok());
  Append(unknown, 1, 5);
  LoseAndGoOn();
  EXPECT_THAT(*storage_->store().Queues(), SizeIs(0));
  EXPECT_THAT(IdsOf(unknown), SizeIs(0));
  EXPECT_GT(OpenQueue("x/b").number, unknown + 1);
}

}  // namespace
}  // namespace nmq::broker
