#include "server/log/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store_errors.h"

namespace nmq::log {
namespace {

using Sync = Sync;

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
    Batch batch;
    for (uint64_t sequence = first; sequence < end; ++sequence) Add(&batch, queue, sequence, bytes);
    return store_->Write(&batch, Sync::kNo);
  }
  // A message whose fields all follow from its sequence.
  static void Add(Batch* batch, uint64_t queue, uint64_t sequence, size_t bytes = 10) {
    const std::string entry = Entry(queue, sequence, bytes);
    const std::string audience = Audience(sequence);
    batch->Append(queue, {sequence, Time(sequence), sequence + 7, audience, entry});
  }
  static std::string Entry(uint64_t queue, uint64_t sequence, size_t bytes = 10) {
    std::string entry = absl::StrCat(queue, "/", sequence, ":");
    entry.resize(std::min(bytes, entry.size()));
    // Nothing that could be made smaller.
    for (uint64_t x = queue + sequence; entry.size() < bytes;) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      entry.push_back(static_cast<char>(x >> 56));
    }
    return entry;
  }
  static std::string Audience(uint64_t sequence) { return sequence % 3 == 0 ? absl::StrCat("to", sequence) : ""; }
  static int64_t Time(uint64_t sequence) { return static_cast<int64_t>(1000 + sequence / 2 * 10); }
  static uint64_t Cost(uint64_t sequence, size_t bytes = 10) {
    return bytes + Audience(sequence).size() + Batch::kBookkeepingBytes;
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

  std::vector<std::string> Keys(Table table, absl::string_view from = "", absl::string_view to = "") {
    std::vector<std::string> keys;
    EXPECT_TRUE(store_
                    ->Scan(table, from, to,
                           [&](absl::string_view key, absl::string_view) {
                             keys.emplace_back(key);
                             return true;
                           })
                    .ok());
    return keys;
  }

  // What the tables take; the logs are bounded by themselves.
  uint64_t DiskBytes() const {
    uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      if (file.path().extension() != ".sst") continue;
      std::error_code gone;
      const uint64_t size = file.file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
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

TEST_F(StoreTest, BatchIsWrittenAllOrNone) {
  Batch batch;
  Add(&batch, 1, 1);
  Add(&batch, 2, 1);
  batch.Put(Table::kMeta, "key", "value");
  Add(&batch, 1, 3);  // leaves out 2
  EXPECT_EQ(store_->Write(&batch, Sync::kYes).code(), absl::StatusCode::kInvalidArgument);
  ExpectHolds(1, 1, 1);
  ExpectHolds(2, 1, 1);
  EXPECT_EQ(store_->Get(Table::kMeta, "key").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_->health().ok());

  batch.Clear();
  EXPECT_TRUE(batch.empty());
  Add(&batch, 1, 1);
  Add(&batch, 2, 1);
  Add(&batch, 1, 2);
  batch.Put(Table::kMeta, "key", "value");
  ASSERT_TRUE(store_->Write(&batch, Sync::kYes).ok());
  Open();
  ExpectHolds(1, 1, 3);
  ExpectHolds(2, 1, 2);
  EXPECT_EQ(*store_->Get(Table::kMeta, "key"), "value");
}

TEST_F(StoreTest, RefusesSequencesAndTimesThatDoNotFollow) {
  ASSERT_TRUE(Append(1, 1, 5).ok());
  EXPECT_EQ(Append(1, 4, 5).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Append(1, 6, 7).code(), absl::StatusCode::kInvalidArgument);
  Batch batch;
  batch.Append(1, {5, Time(4) - 1, 0, "", "earlier"});
  EXPECT_EQ(store_->Write(&batch, Sync::kNo).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(Append(1, 5, 6).ok());
  ExpectHolds(1, 1, 6);
}

TEST_F(StoreTest, EmptyBatchChangesNothing) {
  Batch batch;
  EXPECT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  EXPECT_TRUE(store_->Write(&batch, Sync::kYes).ok());
}

TEST_F(StoreTest, ReadsUpToTheBytesAskedForButAtLeastOne) {
  ASSERT_TRUE(Append(1, 1, 20).ok());
  ExpectBlock(**store_->Read(1, 1, 20, 0), 1, 1, 2);
  ExpectBlock(**store_->Read(1, 1, 20, 39), 1, 1, 4);
  ExpectBlock(**store_->Read(1, 1, 20, 40), 1, 1, 5);
  ExpectBlock(**store_->Read(1, 3, 20, 41), 1, 3, 7);
  ExpectBlock(**store_->Read(1, 5, 8, 1000), 1, 5, 8);
  ExpectBlock(**store_->Read(1, 19, 20, 1000), 1, 19, 20);
  EXPECT_TRUE((*store_->Read(1, 5, 8, 1000))->Contains(7));
  EXPECT_FALSE((*store_->Read(1, 5, 8, 1000))->Contains(8));
}

TEST_F(StoreTest, DoesNotReadBeyondTheEnd) {
  ASSERT_TRUE(Append(1, 1, 4).ok());
  ASSERT_TRUE(Append(2, 1, 4).ok());
  ExpectBlock(**store_->Read(1, 2, 100, 1000), 1, 2, 4);
  EXPECT_EQ(store_->Read(1, 4, 100, 1000).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(store_->Read(1, 3, 3, 1000).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Read(3, 1, 2, 1000).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(StoreTest, LargeAndEmptyMessagesComeBack) {
  Batch batch;
  const std::string large(3 << 20, 'L');
  batch.Append(1, {1, 5, 0, "", ""});
  batch.Append(1, {2, 5, 0, large, large});
  batch.Append(1, {3, 5, 0, "", "x"});
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  Open();
  const auto block = store_->Read(1, 1, 4, 10 << 20);
  ASSERT_TRUE(block.ok());
  ASSERT_EQ((*block)->items.size(), 3u);
  const Block::Item& item = (*block)->items[1];
  EXPECT_EQ(absl::string_view((*block)->chunk->data() + item.entry_offset, item.entry_length), large);
  EXPECT_EQ(absl::string_view((*block)->chunk->data() + item.audience_offset, item.audience_length), large);
  EXPECT_EQ(store_->FindExtent(1)->bytes, (6u << 20) + 1 + 3 * Batch::kBookkeepingBytes);
}

TEST_F(StoreTest, FindsTheFirstOfATime) {
  ASSERT_TRUE(Append(1, 1, 101).ok());  // times 1000, 1010, 1010, 1020, 1020, ...
  EXPECT_EQ(*store_->FindTime(1, 1, 101, 0), 1u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, 1000), 1u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, 1001), 2u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, 1010), 2u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, 1011), 4u);
  EXPECT_EQ(*store_->FindTime(1, 50, 101, 0), 50u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, Time(100)), 100u);
  EXPECT_EQ(*store_->FindTime(1, 1, 101, Time(100) + 1), 101u);
  EXPECT_EQ(*store_->FindTime(1, 7, 7, 0), 7u);
  EXPECT_EQ(store_->FindTime(1, 8, 7, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->FindTime(1, 1, 300, 1'000'000).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(StoreTest, CountsBytesBetweenAnyTwo) {
  ASSERT_TRUE(Append(1, 1, 31).ok());
  ASSERT_TRUE(Append(2, 1, 31, 1000).ok());
  ASSERT_TRUE(Append(1, 31, 61).ok());
  ASSERT_TRUE(store_->Trim(1, 10).ok());
  for (uint64_t first = 10; first <= 61; first += 3) {
    uint64_t bytes = 0;
    for (uint64_t end = first; end <= 61; ++end) {
      EXPECT_EQ(*store_->BytesOf(1, first, end), bytes);
      if (end <= 60) bytes += Cost(end);
    }
  }
  EXPECT_EQ(store_->BytesOf(1, 9, 61).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(StoreTest, FindsWhereTheLastBytesBegin) {
  ASSERT_TRUE(Append(1, 1, 61).ok());
  ASSERT_TRUE(store_->Trim(1, 20).ok());
  uint64_t bytes = 0;
  for (uint64_t first = 60; first >= 20; --first) {
    bytes += Cost(first);
    EXPECT_EQ(*store_->FindBytes(1, 20, 61, bytes), first);
    EXPECT_EQ(*store_->FindBytes(1, 20, 61, bytes - 1), first + 1);
  }
  EXPECT_EQ(*store_->FindBytes(1, 20, 61, UINT64_MAX), 20u);
  EXPECT_EQ(*store_->FindBytes(1, 20, 61, 0), 61u);
  EXPECT_EQ(*store_->FindBytes(1, 61, 61, 0), 61u);
}

TEST_F(StoreTest, TrimmedMessagesStayAwayAfterReopening) {
  ASSERT_TRUE(Append(1, 1, 50).ok());
  ASSERT_TRUE(Append(2, 1, 50).ok());
  ASSERT_TRUE(store_->Trim(1, 20).ok());
  ExpectHolds(1, 20, 50);
  const auto gone = store_->Read(1, 19, 50, 100);
  EXPECT_EQ(gone.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ReasonOf(gone.status()), kReasonTrimmed);
  EXPECT_EQ(store_->FindTime(1, 19, 20, 0).status().code(), absl::StatusCode::kOutOfRange);
  Open();
  ExpectHolds(1, 20, 50);
  ExpectHolds(2, 1, 50);
  EXPECT_EQ(store_->Read(1, 19, 50, 100).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(StoreTest, QueueThatGaveUpEverythingGoesOnWhereItWas) {
  ASSERT_TRUE(Append(1, 1, 50).ok());
  ASSERT_TRUE(store_->Trim(1, 50).ok());
  ExpectHolds(1, 50, 50);
  Open();
  ExpectHolds(1, 50, 50);
  EXPECT_EQ(Append(1, 1, 2).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(Append(1, 50, 60).ok());
  ExpectHolds(1, 50, 60);
  Open();
  ExpectHolds(1, 50, 60);
}

TEST_F(StoreTest, TrimNeverGoesBackNorBeyondTheEnd) {
  ASSERT_TRUE(Append(1, 1, 50).ok());
  ASSERT_TRUE(store_->Trim(1, 20).ok());
  ASSERT_TRUE(store_->Trim(1, 10).ok());
  ExpectHolds(1, 20, 50);
  EXPECT_EQ(store_->Trim(1, 51).code(), absl::StatusCode::kOutOfRange);
  ExpectHolds(1, 20, 50);
  Open();
  ExpectHolds(1, 20, 50);
}

TEST_F(StoreTest, TrimGivesDiskSpaceBack) {
  constexpr uint64_t kEnd = 4001;
  for (uint64_t first = 1; first < kEnd; first += 100) {
    ASSERT_TRUE(Append(1, first, first + 100, 1000).ok());
    ASSERT_TRUE(Append(2, first, first + 100, 100).ok());
  }
  Open();
  const uint64_t before = DiskBytes();
  EXPECT_GT(before, 4'000'000u);
  ASSERT_TRUE(store_->Trim(1, kEnd - 10, Sync::kNo).ok());
  ExpectHolds(1, kEnd - 10, kEnd, 1000);
  store_->Housekeep();
  // It comes back as new messages push the old files down.
  uint64_t end = kEnd;
  for (; DiskBytes() > before / 2 && end < kEnd + 100'000; end += 100) {
    ASSERT_TRUE(Append(1, end, end + 100, 1000).ok());
    ASSERT_TRUE(store_->Trim(1, end).ok());
  }
  EXPECT_LE(DiskBytes(), before / 2);
  ExpectHolds(2, 1, kEnd, 100);
  Open();
  ExpectHolds(1, end - 100, end, 1000);
  ExpectHolds(2, 1, kEnd, 100);
}

TEST_F(StoreTest, DeletedQueueIsGoneAndItsNeighboursAreNot) {
  for (uint64_t queue : {uint64_t{0}, uint64_t{6}, uint64_t{7}, uint64_t{8}, UINT64_MAX}) {
    ASSERT_TRUE(Append(queue, 1, 2000, 100).ok());
  }
  ASSERT_TRUE(store_->Trim(7, 5).ok());
  ASSERT_TRUE(store_->Trim(UINT64_MAX, 5).ok());
  ASSERT_TRUE(store_->DeleteQueue(7).ok());
  ASSERT_TRUE(store_->DeleteQueue(UINT64_MAX).ok());
  for (int round = 0; round < 2; ++round) {
    ExpectHolds(0, 1, 2000, 100);
    ExpectHolds(6, 1, 2000, 100);
    ExpectHolds(7, 1, 1);
    ExpectHolds(8, 1, 2000, 100);
    ExpectHolds(UINT64_MAX, 1, 1);
    Open();
  }
}

TEST_F(StoreTest, TablesAreInTheOrderOfTheirKeys) {
  Batch batch;
  for (const char* key : {"b", "a", "c", "ab"}) batch.Put(Table::kGroups, key, absl::StrCat("value ", key));
  batch.Put(Table::kMeta, "b", "other table");
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  EXPECT_EQ(Keys(Table::kGroups), (std::vector<std::string>{"a", "ab", "b", "c"}));
  EXPECT_EQ(Keys(Table::kGroups, "ab", "c"), (std::vector<std::string>{"ab", "b"}));
  EXPECT_EQ(Keys(Table::kMeta), (std::vector<std::string>{"b"}));
  EXPECT_EQ(Keys(Table::kRequests), (std::vector<std::string>{}));
  EXPECT_EQ(Keys(Table::kSchedule), (std::vector<std::string>{}));
  EXPECT_EQ(*store_->Get(Table::kGroups, "ab"), "value ab");
  int visits = 0;
  EXPECT_TRUE(
      store_->Scan(Table::kGroups, "", "", [&](absl::string_view, absl::string_view) { return ++visits < 2; }).ok());
  EXPECT_EQ(visits, 2);
}

TEST_F(StoreTest, ChangesOfABatchApplyInOrder) {
  Batch batch;
  batch.Put(Table::kRequests, "x", "1");
  batch.Delete(Table::kRequests, "x");
  batch.Put(Table::kRequests, "y", "1");
  batch.Put(Table::kRequests, "y", "2");
  batch.DeletePrefix(Table::kRequests, "z");
  batch.Put(Table::kRequests, "z1", "1");
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  EXPECT_EQ(Keys(Table::kRequests), (std::vector<std::string>{"y", "z1"}));
  EXPECT_EQ(*store_->Get(Table::kRequests, "y"), "2");
}

TEST_F(StoreTest, DeletesARangeOfKeys) {
  Batch batch;
  for (const char* key : {"a", "b", "b1", "c", "d"}) batch.Put(Table::kRequests, key, "");
  batch.Put(Table::kGroups, "b", "");
  batch.DeleteRange(Table::kRequests, "b", "c");
  batch.Put(Table::kRequests, "b2", "");
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  Open();
  EXPECT_EQ(Keys(Table::kRequests), (std::vector<std::string>{"a", "b2", "c", "d"}));
  EXPECT_EQ(Keys(Table::kGroups), (std::vector<std::string>{"b"}));
}

TEST_F(StoreTest, RangeThatIsNoneIsRefused) {
  for (const auto& [from, to] : {std::make_pair("b", "b"), std::make_pair("c", "b"), std::make_pair("", "b")}) {
    Batch batch;
    batch.DeleteRange(Table::kRequests, from, to);
    EXPECT_EQ(store_->Write(&batch, Sync::kNo).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(StoreTest, DeletesAllKeysOfAPrefix) {
  Batch batch;
  const std::string high = "\xff\xff";
  for (const std::string& key : {std::string("a"), std::string("b"), std::string("b1"), std::string("b\xff"),
                                 std::string("c"), high, high + "x", high + std::string(500, '\xff')}) {
    batch.Put(Table::kGroups, key, "");
  }
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  batch.Clear();
  batch.DeletePrefix(Table::kGroups, "b");
  batch.DeletePrefix(Table::kGroups, high);
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  EXPECT_EQ(Keys(Table::kGroups), (std::vector<std::string>{"a", "c"}));
  batch.Clear();
  batch.DeletePrefix(Table::kGroups, "");
  ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
  EXPECT_EQ(Keys(Table::kGroups), (std::vector<std::string>{}));
}

TEST_F(StoreTest, RefusesKeysOutOfBounds) {
  for (const auto& [bytes, ok] :
       {std::pair<size_t, bool>{0, false}, {1, true}, {1023, true}, {1024, true}, {1025, false}}) {
    Batch batch;
    batch.Put(Table::kMeta, std::string(bytes, 'k'), "value");
    EXPECT_EQ(store_->Write(&batch, Sync::kNo).ok(), ok) << bytes;
  }
  EXPECT_EQ(Keys(Table::kMeta).size(), 3u);
}

TEST_F(StoreTest, QueuesAreWrittenAndReadByManyThreads) {
  std::vector<std::thread> threads;
  for (uint64_t queue = 1; queue <= 4; ++queue) {
    threads.emplace_back([this, queue] {
      for (uint64_t sequence = 1; sequence <= 2000; ++sequence) {
        Batch batch;
        Add(&batch, queue, sequence, 100);
        ASSERT_TRUE(store_->Write(&batch, Sync::kNo).ok());
        if (sequence % 50 == 0) {
          ASSERT_TRUE(store_->Trim(queue, sequence - 40, Sync::kNo).ok());
        }
        if (sequence % 500 == 0) store_->Housekeep();
      }
    });
    threads.emplace_back([this, queue] {
      uint64_t from = 1;
      while (from < 2001) {
        const auto extent = store_->FindExtent(queue);
        ASSERT_TRUE(extent.ok()) << extent.status();
        from = std::max(from, extent->first);
        if (from == extent->end) continue;
        const auto block = store_->Read(queue, from, extent->end, 4096);
        if (!block.ok()) {
          ASSERT_EQ(block.status().code(), absl::StatusCode::kOutOfRange) << block.status();
          continue;
        }
        ExpectBlock(**block, queue, from, (*block)->end(), 100);
        from = (*block)->end();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Open();
  for (uint64_t queue = 1; queue <= 4; ++queue) ExpectHolds(queue, 1960, 2001, 100);
}

TEST_F(StoreTest, DirectoryIsForItsOwnerOnly) {
  struct stat info;
  ASSERT_EQ(stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

}  // namespace
}  // namespace nmq::log
