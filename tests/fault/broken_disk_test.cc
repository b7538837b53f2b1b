// What a store does when the disk fails to write.
#include "tests/fault/store_fixture.h"

namespace nmq::log {
namespace {

class BrokenDiskTest : public StoreFaultTest {};

TEST_F(BrokenDiskTest, FailedSyncEndsWritingAndNothingElse) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(300).ok());
  fs_->FailSyncs(true);
  ExpectError(AppendUpTo(301), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  // A disk that works again is not to be trusted: nobody knows what it kept.
  fs_->FailSyncs(false);
  ExpectError(AppendUpTo(301), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  ExpectError(AppendUpTo(301, Sync::kNo), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  ExpectError(store_->Trim(kQueue, 2), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  ExpectError(store_->DeleteQueue(kQueue), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  Batch batch;
  batch.Put(Table::kMeta, "key", "value");
  ExpectError(store_->Write(&batch, Sync::kNo), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  store_->Housekeep();
  ExpectError(store_->health(), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  EXPECT_NE(store_->health().message().find("Input/output error"), absl::string_view::npos) << store_->health();
  EXPECT_TRUE(HoldsAllFrom(1));
  EXPECT_EQ(store_->FindExtent(kQueue)->end, 300u);

  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->health().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
  // The one that failed may be there.
  EXPECT_GE(store_->FindExtent(kQueue)->end, 300u);
  acknowledged_ = store_->FindExtent(kQueue)->end;
  EXPECT_TRUE(AppendUpTo(400).ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(BrokenDiskTest, FileThatCannotBeWrittenInTheBackgroundEndsWritingToo) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(10).ok());
  fs_->FailSyncs(true);
  // Not synced, until what is in memory becomes a file.
  ExpectError(AppendUpTo(1000, Sync::kNo), absl::StatusCode::kUnavailable, kReasonStoreFailed);
  EXPECT_TRUE(HoldsAllFrom(1));
  fs_->FailSyncs(false);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

}  // namespace
}  // namespace nmq::log
