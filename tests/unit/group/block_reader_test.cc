#include "server/group/block_reader.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/log_wait.h"
#include "server/log/store.h"
#include "server/log/store_log.h"
#include "tests/testing/fresh_directory.h"
#include "tests/unit/broker/held_reads.h"
#include "tests/unit/namespace/parts.h"

namespace nmq::broker {
namespace {

constexpr uint64_t kNumber = 7;
constexpr uint64_t kEnd = 9;  // eight messages
constexpr size_t kEntryBytes = 100;

// A queue with eight messages, all of them on disk only, and a reader that reads two at a time.
class BlockReaderTest : public testing::Test {
 protected:
  BlockReaderTest() {
    log::Store::Options options;
    options.directory = FreshDirectory();
    store_ = *log::Store::Open(options);
    log_ = std::make_unique<log::StoreLog>(store_.get());
    log::Batch batch;
    const std::string entry(kEntryBytes, 'x');
    for (uint64_t sequence = 1; sequence < kEnd; ++sequence) {
      batch.Append(kNumber, {.sequence = sequence, .time_us = 1, .entry = entry});
    }
    EXPECT_TRUE(log::WriteAndWait(log_.get(), &batch, log::Sync::kNo).ok());
    QueueOnDisk disk;
    disk.log = log_.get();
    disk.number = kNumber;
    disk.extent = *log::FindExtentAndWait(log_.get(), kNumber);
    const QueueFactory factory = parts_.NewFactory();
    reader_.emplace(factory.Make(factory.DeadLetters("D"), QueueOrigin::kDeclared, disk), 2 * kEntryBytes);
  }

  void Ask(uint64_t sequence) {
    reader_->Ask(sequence, kEnd, &errands_, [this](BlockReader::Answer answer) { answers_.push_back(answer); });
  }
  // Takes in the only answer.
  absl::Status Take() {
    log_->Flush();
    EXPECT_EQ(answers_.size(), 1u);
    if (answers_.empty()) return absl::OkStatus();
    const BlockReader::Answer answer = std::move(answers_.back());
    answers_.clear();
    return reader_->Take(answer);
  }
  bool Finds(uint64_t sequence) { return reader_->Find(sequence, kEnd) != nullptr; }

  Parts parts_;
  std::unique_ptr<log::Store> store_;
  std::unique_ptr<log::StoreLog> log_;
  Errands errands_;
  std::optional<BlockReader> reader_;
  std::vector<BlockReader::Answer> answers_;  // by the log's thread; to be looked at after its flush
};

TEST_F(BlockReaderTest, WhatIsOnDiskIsAtHandOnceItWasAskedForAndTakenIn) {
  EXPECT_FALSE(Finds(1));
  Ask(1);
  log_->Flush();
  EXPECT_FALSE(Finds(1));
  EXPECT_TRUE(Take().ok());
  const BlockReader::BlockPtr block = reader_->Find(1, kEnd);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->first, 1u);
  EXPECT_EQ(block->end(), 3u);
  errands_.Await();
}

TEST_F(BlockReaderTest, OneReadAtATimeIsUnderWay) {
  Ask(1);
  Ask(5);
  EXPECT_TRUE(Take().ok());
  EXPECT_TRUE(Finds(1));
  EXPECT_FALSE(Finds(5));
}

TEST_F(BlockReaderTest, ABlockStaysWhileTheNextOneIsReadAhead) {
  Ask(1);
  EXPECT_TRUE(Take().ok());
  const BlockReader::BlockPtr block = reader_->Find(1, kEnd);
  EXPECT_EQ(reader_->MissingAfter(*block, kEnd), 3u);
  EXPECT_EQ(reader_->MissingAfter(*block, 3), std::nullopt) << "there is none";
  Ask(3);
  EXPECT_EQ(reader_->MissingAfter(*block, kEnd), std::nullopt) << "it is on its way";
  EXPECT_TRUE(Take().ok());
  EXPECT_EQ(reader_->MissingAfter(*block, kEnd), std::nullopt) << "it is at hand";
  EXPECT_TRUE(Finds(2));
  EXPECT_TRUE(Finds(3));
  EXPECT_FALSE(Finds(2)) << "it was used";
}

TEST_F(BlockReaderTest, WhatIsDroppedIsNotAtHand) {
  Ask(1);
  EXPECT_TRUE(Take().ok());
  reader_->Drop(2);
  EXPECT_TRUE(Finds(2));
  reader_->Drop(3);
  EXPECT_FALSE(Finds(2));
}

TEST_F(BlockReaderTest, WhatWasAskedForBeforeAllIsForgottenIsNotTakenIn) {
  Ask(1);
  log_->Flush();
  reader_->Clear();
  errands_.Await();
  EXPECT_TRUE(Take().ok());
  EXPECT_FALSE(Finds(1));
  Ask(5);
  EXPECT_TRUE(Take().ok());
  EXPECT_TRUE(Finds(5));
}

TEST_F(BlockReaderTest, WhatIsNotWantedAnyMoreIsNotAnswered) {
  {
    const HeldReads held(log_.get());
    Ask(1);
    reader_ = std::nullopt;
    errands_.Await();
  }
  log_->Flush();
  EXPECT_TRUE(answers_.empty());
}

TEST_F(BlockReaderTest, WhatIsNotHeldAnyMoreIsOutOfRangeAndCanBeAskedForAgain) {
  ASSERT_TRUE(log::TrimAndWait(log_.get(), kNumber, 3, log::Sync::kNo).ok());
  Ask(1);
  EXPECT_EQ(Take().code(), absl::StatusCode::kOutOfRange);
  Ask(3);
  EXPECT_TRUE(Take().ok());
  EXPECT_TRUE(Finds(3));
}

}  // namespace
}  // namespace nmq::broker
