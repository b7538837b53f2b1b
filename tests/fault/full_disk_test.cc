// What a store does on a full disk.
#include "tests/fault/store_fixture.h"

namespace nmq::log {
namespace {

class FullDiskTest : public StoreFaultTest {
 protected:
  void ExpectFull(const absl::Status& status) {
    ExpectError(status, absl::StatusCode::kResourceExhausted, kReasonDiskFull);
  }
};

TEST_F(FullDiskTest, ReserveIsKeptAndTidyingUpGoesOn) {
  options_.reserve_bytes = 4 << 20;
  fs_->SetSpace(32 << 20);
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 20 && AppendUpTo(acknowledged_ + 1000).ok(); ++i) store_->Housekeep();
  store_->Housekeep();
  ExpectFull(AppendUpTo(100'000));
  ExpectFull(store_->health());
  EXPECT_TRUE(HoldsAllFrom(1));

  Batch batch;
  batch.Put(Table::kMeta, "key", "value");
  EXPECT_TRUE(store_->Write(&batch, Sync::kYes).ok()) << "tables take little";

  const uint64_t first = acknowledged_ - 10;
  ASSERT_TRUE(store_->Trim(kQueue, first).ok());
  store_->Housekeep();
  store_->Housekeep();
  EXPECT_TRUE(store_->health().ok()) << store_->health();
  EXPECT_TRUE(AppendUpTo(acknowledged_ + 1000).ok());
  EXPECT_TRUE(HoldsAllFrom(first));
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(first));
  EXPECT_EQ(store_->FindExtent(kQueue)->first, first);
}

// Somebody else took all there was.
TEST_F(FullDiskTest, WritingGoesOnWhenThereIsRoomAgain) {
  ASSERT_TRUE(Open().ok());
  for (uint64_t round = 1; round <= 20; ++round) {
    ASSERT_TRUE(AppendUpTo(round * 100).ok());
    // In the middle of a record, in the log or in a file.
    fs_->SetSpace(round * 3001, FaultFileSystem::Freed::kIsTaken);
    ExpectFull(AppendUpTo(round * 100 + 100));
    ExpectFull(AppendUpTo(round * 100 + 100));
    store_->Housekeep();
    ExpectFull(store_->health());
    EXPECT_TRUE(HoldsAllFrom(1));
    fs_->SetSpace(100 << 20);
    store_->Housekeep();
    ASSERT_TRUE(store_->health().ok()) << store_->health();
    ASSERT_TRUE(AppendUpTo(round * 100 + 50).ok());
    EXPECT_TRUE(HoldsAllFrom(1));
    if (round % 2 == 0) {
      ASSERT_TRUE(Open().ok()) << Open();
      EXPECT_EQ(store_->FindExtent(kQueue)->end, acknowledged_);
      EXPECT_TRUE(HoldsAllFrom(1));
    }
  }
}

TEST_F(FullDiskTest, NothingAcknowledgedIsLostWithThePowerAfterwards) {
  ASSERT_TRUE(Open().ok());
  for (uint64_t round = 1; round <= 10; ++round) {
    ASSERT_TRUE(AppendUpTo(round * 100).ok());
    fs_->SetSpace(round * 5003, FaultFileSystem::Freed::kIsTaken);
    ExpectFull(AppendUpTo(round * 100 + 1000));
    fs_->SetSpace(100 << 20);
    store_->Housekeep();
    ASSERT_TRUE(AppendUpTo(round * 100 + 50).ok());
    fs_->CutPower();
    store_.reset();
    fs_->RestorePower(nullptr);
    ASSERT_TRUE(Open().ok()) << Open();
    EXPECT_GE(store_->FindExtent(kQueue)->end, acknowledged_);
    acknowledged_ = store_->FindExtent(kQueue)->end;
    EXPECT_TRUE(HoldsAllFrom(1));
  }
}

TEST_F(FullDiskTest, IsNotOpenedWithoutAnyRoomAndSaysSo) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(100).ok());
  store_.reset();
  fs_->SetSpace(0);
  ExpectFull(Open());
  fs_->SetSpace(1 << 20);
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_TRUE(HoldsAllFrom(1));
  EXPECT_TRUE(AppendUpTo(200).ok());
}

}  // namespace
}  // namespace nmq::log
