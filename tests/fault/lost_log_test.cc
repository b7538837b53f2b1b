// A store whose logs have lost what was synced, or have a torn end that was not.
#include <map>
#include <optional>

#include "server/log/log_check.h"
#include "server/log/sync_marks.h"
#include "tests/fault/store_fixture.h"
#include "tests/testing/change_database.h"

namespace nmq::log {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

class LostLogTest : public StoreFaultTest {
 protected:
  LostLogTest() { options_.write_buffer_bytes = 16 << 20; }
  ~LostLogTest() override { std::filesystem::remove_all(elsewhere_); }

  // All files by name, but for RocksDB's LOCK.
  std::map<std::string, std::string> AllFiles() const {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      files[NameOf(file.path().string())] = Content(file.path().string());
    }
    files.erase("LOCK");
    return files;
  }
  // The process is killed: what it wrote stays, and nothing is closed.
  void Crash() {
    std::filesystem::remove_all(elsewhere_);
    std::filesystem::copy(directory_, elsewhere_);
    store_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(elsewhere_, directory_);
  }
  std::string NewestLog() const { return Files(".log").back(); }

  AssertionResult RefusesAndChangesNothing(const std::vector<std::string>& words) {
    const auto before = AllFiles();
    const absl::Status status = Open();
    if (status.code() != absl::StatusCode::kDataLoss || ReasonOf(status) != kReasonStoreIncomplete) {
      return AssertionFailure() << status;
    }
    for (const std::string& word : words) {
      if (status.message().find(word) == absl::string_view::npos) return AssertionFailure() << word << ": " << status;
    }
    if (AllFiles() != before) return AssertionFailure() << "files were changed";
    return AssertionSuccess();
  }

  // Whether the queue holds [1, end), and takes more.
  AssertionResult GoesOnFrom(uint64_t end) {
    const auto extent = store_->FindExtent(kQueue);
    if (!extent.ok() || extent->end != end) return AssertionFailure() << "it ends at " << extent->end;
    acknowledged_ = end;
    if (absl::Status status = AppendUpTo(end + 10); !status.ok()) return AssertionFailure() << status;
    if (absl::Status status = Open(); !status.ok()) return AssertionFailure() << status;
    return HoldsAllFrom(1);
  }

  // Does something to the database behind the store's back.
  void WithDatabase(const std::function<void(rocksdb::DB*)>& change) {
    store_.reset();
    ChangeDatabase(directory_, [&](rocksdb::DB* db, const DatabaseTables&) { change(db); });
  }

  const std::string elsewhere_ = directory_ + ".elsewhere";
  const std::string marks_ = directory_ + "/" + kSyncMarkFile;
};

TEST_F(LostLogTest, SyncedEndThatIsMissingIsARefusalToOpen) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(150).ok());
  store_.reset();
  const std::string log = NewestLog();
  const std::string content = Content(log);
  const std::string lost = content.substr(0, content.size() / 3);
  const std::string zeroed = lost + std::string(content.size() - lost.size(), '\0');
  for (const std::string& left :
       {lost, zeroed, lost + "garbage", std::string(), content.substr(0, 30), content.substr(0, content.size() - 1)}) {
    SetContent(log, left);
    EXPECT_TRUE(RefusesAndChangesNothing({NameOf(log), "only, with change", "--accept_data_loss"})) << left.size();
    EXPECT_TRUE(RefusesAndChangesNothing({NameOf(log)})) << "it is told every time";
  }
  std::filesystem::remove(log);
  EXPECT_TRUE(RefusesAndChangesNothing({NameOf(log) + " is missing", "--accept_data_loss"}));
  SetContent(log, content);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->loss().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(LostLogTest, TornRecordThatWasNotSyncedIsForgotten) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(50).ok());
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(53, Sync::kNo).ok());
  Crash();
  const std::string log = NewestLog();
  const std::string content = Content(log);
  const std::string torn = content.substr(0, content.size() - 500);
  uint64_t end = 52;
  for (const std::string& left :
       {torn, torn + std::string(500, '\0'), torn + std::string(500, 'x'), torn + std::string(100'000, '\0')}) {
    std::filesystem::copy(directory_, elsewhere_);
    SetContent(log, left);
    ASSERT_TRUE(Open().ok()) << left.size();
    EXPECT_EQ(std::filesystem::file_size(log), content.size() / 3 * 2) << "it is found once";
    EXPECT_TRUE(GoesOnFrom(end));
    store_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::rename(elsewhere_, directory_);
  }
}

TEST_F(LostLogTest, DamageBehindWhatWasSyncedIsNotTakenForTorn) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(60, Sync::kNo).ok());
  Crash();
  const std::string log = NewestLog();
  std::string content = Content(log);
  std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(content.size()) / 3, 4096, '\0');
  SetContent(log, content);
  ExpectError(Open(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
}

TEST_F(LostLogTest, LogWhoseChangesAreInTablesMayBeMissing) {
  options_.write_buffer_bytes = 64 << 10;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(10).ok());
  ASSERT_TRUE(Open().ok());
  const std::string early = Content(marks_);
  const std::vector<SyncMark::Log> named = DecodeSyncMarks(early)->logs;
  ASSERT_FALSE(named.empty());
  // More than all logs may take.
  ASSERT_TRUE(AppendUpTo(1000).ok());
  WithDatabase([](rocksdb::DB* db) {
    rocksdb::FlushOptions flush;
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "something", "").ok());
    ASSERT_TRUE(db->Flush(flush).ok());
  });
  Crash();
  SetContent(marks_, early);
  for (const std::string& log : Files(".log")) {
    EXPECT_GT(atoi(NameOf(log).c_str()), static_cast<int>(named.back().number)) << "nothing is missing";
  }
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(LostLogTest, AcceptedLossLeavesWhatWasBeforeAndIsToldUntilItIsSettled) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(150).ok());
  store_.reset();
  const std::string log = NewestLog();
  SetContent(log, Content(log).substr(0, Content(log).size() / 3));
  options_.accept_loss = true;
  ASSERT_TRUE(Open().ok());
  ExpectError(store_->loss(), absl::StatusCode::kDataLoss, kReasonStoreIncomplete);
  const uint64_t end = store_->FindExtent(kQueue)->end;
  EXPECT_GT(end, 40u);
  EXPECT_LT(end, 52u);
  // A run that ends before it is settled leaves it to the next one.
  options_.accept_loss = false;
  EXPECT_EQ(ReasonOf(Open()), kReasonStoreIncomplete);
  options_.accept_loss = true;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(store_->AcceptLoss().ok());
  EXPECT_TRUE(store_->loss().ok());
  options_.accept_loss = false;
  EXPECT_TRUE(GoesOnFrom(end));
}

TEST_F(LostLogTest, NextLossIsToldAgain) {
  options_.accept_loss = true;
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(store_->loss().ok()) << "nothing is missing";
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(AppendUpTo(acknowledged_ + 100).ok());
    store_.reset();
    std::filesystem::remove(NewestLog());
    options_.accept_loss = false;
    EXPECT_TRUE(RefusesAndChangesNothing({"is missing"})) << i;
    options_.accept_loss = true;
    ASSERT_TRUE(Open().ok());
    EXPECT_FALSE(store_->loss().ok());
    ASSERT_TRUE(store_->AcceptLoss().ok());
    acknowledged_ = store_->FindExtent(kQueue)->end;
  }
}

TEST_F(LostLogTest, LaterLogsThanALostOneAreSetAside) {
  for (const uint64_t end : {50, 100, 150}) {
    ASSERT_TRUE(Open().ok());
    ASSERT_TRUE(AppendUpTo(end).ok());
  }
  store_.reset();
  const std::vector<std::string> logs = Files(".log");
  ASSERT_EQ(logs.size(), 3u);
  const std::string content = Content(logs[1]);
  std::filesystem::remove(logs[1]);
  EXPECT_TRUE(RefusesAndChangesNothing({NameOf(logs[1]) + " is missing"}));
  // Its last record only.
  SetContent(logs[1], content.substr(0, content.size() - 500));
  EXPECT_TRUE(RefusesAndChangesNothing({NameOf(logs[1])}));
  options_.accept_loss = true;
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(store_->AcceptLoss().ok());
  EXPECT_TRUE(std::filesystem::exists(logs[2] + ".aside"));
  EXPECT_TRUE(GoesOnFrom(99));
}

TEST_F(LostLogTest, MarksThatAreGoneOrDamagedAreARefusalToOpen) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(50).ok());
  store_.reset();
  const std::string content = Content(marks_);
  std::filesystem::remove(marks_);
  const absl::Status missing = Open();
  ExpectError(missing, absl::StatusCode::kDataLoss, kReasonStoreIncomplete);
  EXPECT_NE(missing.message().find("SYNCED is missing"), absl::string_view::npos) << missing;
  for (const std::string& left : {content.substr(0, 4000), std::string(content.size(), '\0'), std::string()}) {
    SetContent(marks_, left);
    const absl::Status damaged = Open();
    ExpectError(damaged, absl::StatusCode::kDataLoss, kReasonStoreDamaged);
    EXPECT_NE(damaged.message().find("SYNCED"), absl::string_view::npos) << damaged;
  }
  SetContent(marks_, content);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(LostLogTest, DirectoryOfAVersionWithoutMarksGetsThem) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(50).ok());
  WithDatabase([](rocksdb::DB* db) { ASSERT_TRUE(db->Delete(rocksdb::WriteOptions(), "synced").ok()); });
  std::filesystem::remove(marks_);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
  EXPECT_TRUE(DecodeSyncMarks(Content(marks_)).has_value());
  store_.reset();
  std::filesystem::remove(marks_);
  EXPECT_EQ(ReasonOf(Open()), kReasonStoreIncomplete);
}

TEST_F(LostLogTest, NothingButMarksIsARefusalToBeginAnew) {
  ASSERT_TRUE(Open().ok());
  store_.reset();
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    if (file.path() != marks_) std::filesystem::remove(file.path());
  }
  ExpectError(Open(), absl::StatusCode::kDataLoss, kReasonStoreDamaged);
}

}  // namespace
}  // namespace nmq::log
