#include "tests/unit/log/log_contract.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "base/await.h"
#include "gmock/gmock.h"
#include "server/log/log_wait.h"

namespace nmq::log {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint64_t kMuch = 1 << 20;

std::string EntryOf(uint64_t sequence) { return absl::StrCat("entry ", sequence); }

void AddMessage(uint64_t queue, uint64_t sequence, Batch* batch) {
  const std::string entry = EntryOf(sequence);
  const std::string audience = sequence % 2 == 0 ? "somebody" : "";
  batch->Append(queue, {sequence, static_cast<int64_t>(sequence) * kSecondUs, 0, audience, entry});
}

}  // namespace

void LogContract::Append(uint64_t queue, uint64_t first, uint64_t last) {
  Batch batch;
  for (uint64_t sequence = first; sequence <= last; ++sequence) AddMessage(queue, sequence, &batch);
  ASSERT_EQ(WriteAndWait(&log(), &batch, Sync::kYes), absl::OkStatus());
}

TEST_P(LogContract, AMessageIsReadAsItWasWritten) {
  Append(1, 1, 3);
  const auto block = ReadAndWait(&log(), 1, 2, 4, kMuch);
  ASSERT_TRUE(block.ok()) << block.status();
  EXPECT_EQ((*block)->first, 2u);
  EXPECT_EQ((*block)->end(), 4u);
  EXPECT_EQ((*block)->entry(2), "entry 2");
  EXPECT_EQ((*block)->audience(2), "somebody");
  EXPECT_EQ((*block)->audience(3), "");
  EXPECT_EQ((*block)->item(3).time_us, 3 * kSecondUs);
}

TEST_P(LogContract, ReadGivesAtLeastOneMessageAndNoMoreThanFit) {
  Append(1, 1, 3);
  EXPECT_EQ((*ReadAndWait(&log(), 1, 1, 4, 1))->end(), 2u);
  EXPECT_EQ((*ReadAndWait(&log(), 1, 1, 4, 2 * EntryOf(1).size()))->end(), 3u);
}

TEST_P(LogContract, QueuesDoNotSeeEachOther) {
  Append(1, 1, 2);
  Append(2, 1, 5);
  EXPECT_EQ(FindExtentAndWait(&log(), 1)->end, 3u);
  EXPECT_EQ(FindExtentAndWait(&log(), 2)->end, 6u);
  EXPECT_EQ(FindExtentAndWait(&log(), 3)->end, 1u);
}

TEST_P(LogContract, ExtentSaysWhatIsHeld) {
  Append(1, 1, 10);
  ASSERT_EQ(TrimAndWait(&log(), 1, 4, Sync::kYes), absl::OkStatus());
  const auto extent = FindExtentAndWait(&log(), 1);
  ASSERT_TRUE(extent.ok()) << extent.status();
  EXPECT_EQ(extent->first, 4u);
  EXPECT_EQ(extent->end, 11u);
  EXPECT_EQ(extent->last_time_us, 10 * kSecondUs);
  EXPECT_EQ(extent->bytes, *BytesOfAndWait(&log(), 1, 4, 11));
}

TEST_P(LogContract, WhatWasTrimmedIsOutOfRange) {
  Append(1, 1, 10);
  ASSERT_EQ(TrimAndWait(&log(), 1, 4, Sync::kNo), absl::OkStatus());
  EXPECT_EQ(ReadAndWait(&log(), 1, 3, 11, kMuch).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ((*ReadAndWait(&log(), 1, 4, 11, kMuch))->first, 4u);
}

TEST_P(LogContract, TheNextSequenceFollowsAlsoWhenAllIsTrimmed) {
  Append(1, 1, 3);
  ASSERT_EQ(TrimAndWait(&log(), 1, 4, Sync::kYes), absl::OkStatus());
  Reopen();
  EXPECT_EQ(FindExtentAndWait(&log(), 1)->end, 4u);
  Append(1, 4, 4);
  EXPECT_EQ((*ReadAndWait(&log(), 1, 4, 5, kMuch))->entry(4), "entry 4");
}

TEST_P(LogContract, FindsWhereATimeBegins) {
  Append(1, 1, 100);
  EXPECT_EQ(*FindTimeAndWait(&log(), 1, 1, 101, 40 * kSecondUs), 40u);
  EXPECT_EQ(*FindTimeAndWait(&log(), 1, 1, 101, 40 * kSecondUs + 1), 41u);
  EXPECT_EQ(*FindTimeAndWait(&log(), 1, 50, 101, 40 * kSecondUs), 50u);
  EXPECT_EQ(*FindTimeAndWait(&log(), 1, 1, 101, 101 * kSecondUs), 101u);
}

TEST_P(LogContract, FindsFromWhereOnMessagesHaveSoManyBytes) {
  Append(1, 1, 9);
  const uint64_t last_three = *BytesOfAndWait(&log(), 1, 7, 10);
  EXPECT_EQ(*FindBytesAndWait(&log(), 1, 1, 10, last_three), 7u);
  EXPECT_EQ(*FindBytesAndWait(&log(), 1, 1, 10, last_three - 1), 8u);
  EXPECT_EQ(*FindBytesAndWait(&log(), 1, 1, 10, 0), 10u);
}

TEST_P(LogContract, AGapInTheSequenceIsRefusedAndChangesNothing) {
  Append(1, 1, 2);
  Batch batch;
  batch.Put(Table::kMeta, "beside", "it");
  AddMessage(1, 4, &batch);
  const absl::Status status = WriteAndWait(&log(), &batch, Sync::kYes);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(FindExtentAndWait(&log(), 1)->end, 3u);
  EXPECT_EQ(GetAndWait(&log(), Table::kMeta, "beside").status().code(), absl::StatusCode::kNotFound);
  Append(1, 3, 3);
}

TEST_P(LogContract, ABatchIsThereAsAWholeAfterTheEnd) {
  Batch batch;
  AddMessage(1, 1, &batch);
  AddMessage(2, 1, &batch);
  batch.Put(Table::kGroups, "g", "value");
  ASSERT_EQ(WriteAndWait(&log(), &batch, Sync::kYes), absl::OkStatus());
  Reopen();
  EXPECT_EQ((*ReadAndWait(&log(), 1, 1, 2, kMuch))->entry(1), "entry 1");
  EXPECT_EQ((*ReadAndWait(&log(), 2, 1, 2, kMuch))->entry(1), "entry 1");
  EXPECT_EQ(*GetAndWait(&log(), Table::kGroups, "g"), "value");
}

TEST_P(LogContract, TablesKeepKeysInOrderAndApart) {
  Batch batch;
  batch.Put(Table::kGroups, "b", "2");
  batch.Put(Table::kGroups, "a", "1");
  batch.Put(Table::kGroups, "c", "3");
  batch.Put(Table::kRequests, "a", "other");
  ASSERT_EQ(WriteAndWait(&log(), &batch, Sync::kNo), absl::OkStatus());
  const auto scan = [&](const std::string& from, const std::string& to, uint64_t count_max) {
    return *Await<absl::StatusOr<Log::Pairs>>(
        [&](auto done) { log().Scan(Table::kGroups, from, to, count_max, done); });
  };
  EXPECT_THAT(scan("", "", 10), ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
  EXPECT_THAT(scan("b", "c", 10), ElementsAre(Pair("b", "2")));
  EXPECT_THAT(scan("", "", 2), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_THAT(scan("", "", 0), SizeIs(0));
  EXPECT_EQ(*GetAndWait(&log(), Table::kRequests, "a"), "other");
  EXPECT_EQ(GetAndWait(&log(), Table::kRequests, "b").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(LogContract, DeletingKeysLeavesTheirNeighbours) {
  Batch batch;
  for (const char* key : {"a1", "a2", "b1", "b2", "b3", "c"}) batch.Put(Table::kSchedule, key, "x");
  ASSERT_EQ(WriteAndWait(&log(), &batch, Sync::kNo), absl::OkStatus());
  Batch deletes;
  deletes.DeletePrefix(Table::kSchedule, "a");
  deletes.DeleteRange(Table::kSchedule, "b1", "b3");
  deletes.Delete(Table::kSchedule, "c");
  ASSERT_EQ(WriteAndWait(&log(), &deletes, Sync::kNo), absl::OkStatus());
  std::vector<std::string> left;
  ASSERT_EQ(ScanAndWait(&log(), Table::kSchedule, "", "",
                        [&](absl::string_view key, absl::string_view) {
                          left.emplace_back(key);
                          return true;
                        }),
            absl::OkStatus());
  EXPECT_THAT(left, ElementsAre("b3"));
}

TEST_P(LogContract, AScanThatWaitsSeesEveryKeyOnce) {
  constexpr int kKeys = 3000;
  Batch batch;
  for (int i = 0; i < kKeys; ++i) batch.Put(Table::kGroups, absl::StrCat(10000 + i), absl::StrCat(i));
  ASSERT_EQ(WriteAndWait(&log(), &batch, Sync::kNo), absl::OkStatus());
  int next = 0;
  const auto visit = [&](absl::string_view key, absl::string_view value) {
    EXPECT_EQ(key, absl::StrCat(10000 + next));
    EXPECT_EQ(value, absl::StrCat(next));
    ++next;
    return next != kKeys - 1;
  };
  ASSERT_EQ(ScanAndWait(&log(), Table::kGroups, "", "", visit), absl::OkStatus());
  EXPECT_EQ(next, kKeys - 1);
}

TEST_P(LogContract, WrongKeysAreRefused) {
  const std::string long_key(Batch::kKeyBytesMax + 1, 'k');
  for (const std::string& key : {std::string(), long_key}) {
    Batch batch;
    batch.Put(Table::kMeta, key, "value");
    EXPECT_EQ(WriteAndWait(&log(), &batch, Sync::kNo).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_P(LogContract, ACallerThatGoesOnIsAnsweredOnAnotherThreadInOrder) {
  constexpr int kWrites = 100;
  std::vector<int> order;  // on the log's thread only, until all are done
  std::vector<std::thread::id> threads;
  absl::BlockingCounter left(kWrites);
  for (int i = 0; i < kWrites; ++i) {
    auto batch = std::make_shared<Batch>();
    batch->Put(Table::kMeta, "key", absl::StrCat(i));
    log().Write(batch, Sync::kNo, Log::Caller::kGoesOn, [&, i](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
      left.DecrementCount();
    });
  }
  left.Wait();
  for (int i = 0; i < kWrites; ++i) EXPECT_EQ(order[i], i);
  for (const std::thread::id& thread : threads) EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_EQ(*GetAndWait(&log(), Table::kMeta, "key"), absl::StrCat(kWrites - 1));
}

TEST_P(LogContract, AnAnswerMayAskForMore) {
  Append(1, 1, 5);
  std::vector<std::string> entries;
  absl::Notification done;
  std::function<void(uint64_t)> read = [&](uint64_t from) {
    log().Read(1, from, 6, 1, /*wanted=*/nullptr, [&](absl::StatusOr<std::shared_ptr<const Block>> block) {
      ASSERT_TRUE(block.ok()) << block.status();
      const uint64_t sequence = (*block)->first;
      entries.emplace_back((*block)->entry(sequence));
      if (sequence == 5) return done.Notify();
      read(sequence + 1);
    });
  };
  read(1);
  done.WaitForNotification();
  EXPECT_THAT(entries, ElementsAre("entry 1", "entry 2", "entry 3", "entry 4", "entry 5"));
}

TEST_P(LogContract, NothingIsReadForThoseThatNoLongerWait) {
  Append(1, 1, 1);
  const auto status = Await<absl::StatusOr<std::shared_ptr<const Block>>>([&](auto done) {
                        log().Read(
                            1, 1, 2, kMuch, [] { return false; }, done);
                      }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST_P(LogContract, FlushWaitsForAllThatWasAsked) {
  Append(1, 1, 50);
  int answers = 0;  // Flush orders what the log's threads did before what comes after it
  for (uint64_t i = 1; i <= 50; ++i) {
    log().Read(1, i, i + 1, 1, /*wanted=*/nullptr,
               [&](const absl::StatusOr<std::shared_ptr<const Block>>&) { ++answers; });
  }
  log().Flush();
  EXPECT_EQ(answers, 50);
}

}  // namespace nmq::log
