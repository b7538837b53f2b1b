// What a store keeps when the power goes.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/log/batch.h"
#include "server/log/store.h"
#include "tests/testing/fault_file_system.h"

namespace nmq::log {
namespace {

constexpr uint64_t kQueues = 3;

// What must be there after the power came back, and what may be.
struct Bounds {
  uint64_t first_min = 1;
  uint64_t first_max = 1;
  uint64_t end_min = 1;
  uint64_t end_max = 1;
  uint64_t counter_min = 0;  // a key of a table, written with each message
};

std::string Entry(uint64_t queue, uint64_t sequence) {
  std::string entry = absl::StrCat(queue, "/", sequence, "/");
  entry.resize(20 + sequence * 7919 % 1500, 'e');
  return entry;
}

class PowerTest : public ::testing::Test {
 protected:
  PowerTest() : directory_(absl::StrCat(::testing::TempDir(), "/power_test.", getpid())) {
    std::filesystem::remove_all(directory_);
  }
  ~PowerTest() override {
    fs_->CutPower();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  absl::Status Open() {
    Store::Options options;
    options.directory = directory_;
    options.env = env_.get();
    options.reserve_bytes = 0;
    options.write_buffer_bytes = 64 << 10;
    auto store = Store::Open(options);
    if (store.ok()) store_ = *std::move(store);
    return store.status();
  }

  uint64_t Random(uint64_t max) { return std::uniform_int_distribution<uint64_t>(0, max)(random_); }

  // Everything that is written is synced.
  void AllIsDurable() {
    for (auto& [queue, bounds] : bounds_) {
      bounds.first_min = bounds.first_max;
      bounds.end_min = bounds.end_max;
      bounds.counter_min = bounds.end_max;
    }
  }

  bool AppendSome() {
    Batch batch;
    std::map<uint64_t, Bounds> after = bounds_;
    for (uint64_t i = Random(20); i < 21; ++i) {
      const uint64_t queue = 1 + Random(kQueues - 1);
      Bounds& bounds = after[queue];
      batch.Append(queue, {bounds.end_max, static_cast<int64_t>(bounds.end_max), 0, "", Entry(queue, bounds.end_max)});
      ++bounds.end_max;
      batch.Put(Table::kMeta, absl::StrCat(queue), absl::StrCat(bounds.end_max));
    }
    const bool sync = Random(2) == 0;
    const bool written = store_->Write(&batch, sync ? Sync::kYes : Sync::kNo).ok();
    bounds_ = std::move(after);
    if (written && sync) AllIsDurable();
    return written;
  }

  bool TrimSome() {
    const uint64_t queue = 1 + Random(kQueues - 1);
    Bounds& bounds = bounds_[queue];
    bounds.first_max += Random(bounds.end_max - bounds.first_max);
    const bool sync = Random(1) == 0;
    const bool written = store_->Trim(queue, bounds.first_max, sync ? Sync::kYes : Sync::kNo).ok();
    if (written && sync) bounds.first_min = bounds.first_max;
    return written;
  }

  // Works until the power goes, or for so many steps.
  void Work(int steps) {
    for (bool fine = true; fine && steps > 0; --steps) {
      const uint64_t what = Random(20);
      if (what == 0) {
        store_->Housekeep();
      } else if (what == 1) {
        fine = TrimSome();
      } else {
        fine = AppendSome();
      }
    }
  }

  void LosePower() {
    fs_->CutPower();
    store_.reset();
    fs_->RestorePower(Random(1) == 0 ? &random_ : nullptr);
  }

  // Whether all is there that must be, and nothing that cannot be; goes on from there.
  testing::AssertionResult Check() {
    for (uint64_t queue = 1; queue <= kQueues; ++queue) {
      Bounds& bounds = bounds_[queue];
      const auto extent = store_->FindExtent(queue);
      if (!extent.ok()) return testing::AssertionFailure() << extent.status();
      const std::string found =
          absl::StrCat("queue ", queue, " has [", extent->first, ", ", extent->end, "), not [", bounds.first_min, "..",
                       bounds.first_max, ", ", bounds.end_min, "..", bounds.end_max, ")");
      if (extent->end < bounds.end_min || extent->end > bounds.end_max || extent->first < bounds.first_min ||
          extent->first > bounds.first_max) {
        return testing::AssertionFailure() << found;
      }
      for (uint64_t at = extent->first; at < extent->end;) {
        const auto block = store_->Read(queue, at, extent->end, 1 << 20);
        if (!block.ok()) return testing::AssertionFailure() << found << ": " << block.status();
        for (const Block::Item& item : (*block)->items) {
          const std::string entry((*block)->chunk->data() + item.entry_offset, item.entry_length);
          if (entry != Entry(queue, at)) return testing::AssertionFailure() << found << ": another message at " << at;
          ++at;
        }
      }
      // The table and the messages are changed together.
      const auto counter = store_->Get(Table::kMeta, absl::StrCat(queue));
      if ((counter.ok() ? *counter : "1") != absl::StrCat(extent->end)) {
        return testing::AssertionFailure() << found << ": the table says " << (counter.ok() ? *counter : "nothing");
      }
      bounds = {extent->first, extent->first, extent->end, extent->end, 0};
    }
    return testing::AssertionSuccess();
  }

  const std::string directory_;
  const std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  const std::unique_ptr<rocksdb::Env> env_ = NewFaultEnv(fs_);
  std::unique_ptr<Store> store_;
  std::mt19937 random_{42};
  std::map<uint64_t, Bounds> bounds_;
};

// NMQ_POWER_CUTS sets another number.
TEST_F(PowerTest, NothingAcknowledgedIsLostWhereverThePowerGoes) {
  const char* wish = getenv("NMQ_POWER_CUTS");
  const int cuts = wish == nullptr ? 200 : atoi(wish);
  uint64_t messages = 0;
  for (int i = 0; i < cuts; ++i) {
    if (i % 25 == 0) {  // begin anew: a new store has its own ways to break
      std::filesystem::remove_all(directory_);
      for (auto& [queue, bounds] : bounds_) messages += bounds.end_max - 1;
      bounds_.clear();
    }
    // Now and then in the middle of opening.
    if (Random(3) == 0) fs_->CutPowerAfter(Random(60));
    if (Open().ok()) {
      if (!fs_->power_is_off()) fs_->CutPowerAfter(1 + Random(150));
      Work(60);
    }
    LosePower();
    ASSERT_TRUE(Open().ok()) << "round " << i << ": " << Open();
    ASSERT_TRUE(Check()) << "round " << i;
    if (Random(1) == 0) {
      // The process ends without losing the power.
      Work(5);
    }
    store_.reset();
  }
  EXPECT_GT(messages, static_cast<uint64_t>(cuts) * 20);
}

TEST_F(PowerTest, TrimIsDurableEvenIfOneBeforeItDidNotWait) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendSome());
  Batch nothing;
  ASSERT_TRUE(store_->Write(&nothing, Sync::kYes).ok());
  const uint64_t queue = bounds_.begin()->first;
  const uint64_t end = bounds_.begin()->second.end_max;
  ASSERT_TRUE(store_->Trim(queue, end, Sync::kNo).ok());
  ASSERT_TRUE(store_->Trim(queue, end, Sync::kYes).ok());
  fs_->CutPower();
  store_.reset();
  fs_->RestorePower(nullptr);
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(store_->FindExtent(queue)->first, end);
}

// Otherwise the first test shows nothing.
TEST_F(PowerTest, LossIsSeenIfSyncsDoNothing) {
  ASSERT_TRUE(Open().ok());
  Work(20);
  fs_->SwallowSyncs(true);
  Work(20);
  Batch nothing;
  ASSERT_TRUE(store_->Write(&nothing, Sync::kYes).ok());
  AllIsDurable();
  fs_->CutPower();
  store_.reset();
  fs_->SwallowSyncs(false);
  fs_->RestorePower(nullptr);
  EXPECT_FALSE(Open().ok() && Check());
}

}  // namespace
}  // namespace nmq::log
