#include "server/log/store.h"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/base/errors.h"

namespace nmq::log {
namespace {

using Sync = Store::Sync;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : directory_(absl::StrCat(::testing::TempDir(), "/store_test.", getpid())) {
    std::filesystem::remove_all(directory_);
    Open();
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Open() {
    store_.reset();
    Store::Options options;
    options.directory = directory_;
    options.reserve_bytes = 0;
    options.write_buffer_bytes = 64 << 10;
    auto store = Store::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }

  absl::Status Append(uint64_t queue, uint64_t first, uint64_t end, size_t bytes = 10) {
    Store::Batch batch;
    for (uint64_t sequence = first; sequence < end; ++sequence) Add(&batch, queue, sequence, bytes);
    return store_->Write(&batch, Sync::kNo);
  }
  // A message whose fields all follow from its sequence.
  static void Add(Store::Batch* batch, uint64_t queue, uint64_t sequence, size_t bytes = 10) {
    const std::string entry = Entry(queue, sequence, bytes);
    const std::string audience = Audience(sequence);
    batch->Append(queue, {sequence, Time(sequence), sequence + 7, audience, entry});
  }
  static std::string Entry(uint64_t queue, uint64_t sequence, size_t bytes = 10) {
    std::string entry = absl::StrCat(queue, "/", sequence, ":");
    entry.resize(bytes, 'x');
    return entry;
  }
  static std::string Audience(uint64_t sequence) { return sequence % 3 == 0 ? absl::StrCat("to", sequence) : ""; }
  static int64_t Time(uint64_t sequence) { return static_cast<int64_t>(1000 + sequence / 2 * 10); }
  static uint64_t Cost(uint64_t sequence, size_t bytes = 10) {
    return bytes + Audience(sequence).size() + Store::kBookkeepingBytes;
  }

  // Checks that the block has [first, end) of the queue.
  static void ExpectBlock(const Block& block, uint64_t queue, uint64_t first, uint64_t end, size_t bytes = 10) {
    ASSERT_EQ(block.first, first);
    ASSERT_EQ(block.end(), end);
    uint32_t at = 0;
    for (uint64_t sequence = first; sequence < end; ++sequence) {
      const Block::Item& item = block.items[sequence - first];
      EXPECT_EQ(item.entry_offset, at) << "entries stand one after another";
      at += item.entry_length;
      EXPECT_EQ(std::string(block.chunk->data() + item.entry_offset, item.entry_length), Entry(queue, sequence, bytes));
      EXPECT_EQ(std::string(block.chunk->data() + item.audience_offset, item.audience_length), Audience(sequence));
      EXPECT_EQ(item.time_us, Time(sequence));
      EXPECT_EQ(item.stamp, sequence + 7);
    }
  }

  // Reads all of [first, end) and checks it.
  void ExpectHolds(uint64_t queue, uint64_t first, uint64_t end, size_t bytes = 10) {
    const auto extent = store_->FindExtent(queue);
    ASSERT_TRUE(extent.ok()) << extent.status();
    EXPECT_EQ(extent->first, first);
    EXPECT_EQ(extent->end, end);
    uint64_t cost = 0;
    for (uint64_t sequence = first; sequence < end; ++sequence) cost += Cost(sequence, bytes);
    EXPECT_EQ(extent->bytes, cost);
    for (uint64_t at = first; at < end;) {
      const auto block = store_->Read(queue, at, end, 4096);
      ASSERT_TRUE(block.ok()) << block.status();
      ExpectBlock(**block, queue, at, (*block)->end(), bytes);
      at = (*block)->end();
    }
  }

  const std::string directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, BeginsWithNothing) {
  const auto extent = store_->FindExtent(5);
  ASSERT_TRUE(extent.ok());
  EXPECT_EQ(extent->first, 1u);
  EXPECT_EQ(extent->end, 1u);
  EXPECT_EQ(extent->bytes, 0u);
  EXPECT_EQ(store_->Read(5, 1, 2, 100).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(store_->health().ok());
}

TEST_F(StoreTest, HoldsWhatWasAppendedAlsoAfterReopening) {
  ASSERT_TRUE(Append(1, 1, 100).ok());
  ASSERT_TRUE(Append(2, 1, 4).ok());
  ExpectHolds(1, 1, 100);
  ExpectHolds(2, 1, 4);
  Open();
  ExpectHolds(1, 1, 100);
  ExpectHolds(2, 1, 4);
  EXPECT_EQ(store_->FindExtent(1)->last_time_us, Time(99));
  ASSERT_TRUE(Append(1, 100, 120).ok());
  ExpectHolds(1, 1, 120);
}

}  // namespace
}  // namespace nmq::log
