// Which directories a store refuses, and what it says.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "tests/fault/store_fixture.h"
#include "tests/testing/change_database.h"

namespace nmq::log {
namespace {

class OpeningTest : public StoreFaultTest {};

TEST_F(OpeningTest, SecondStoreOfTheSameProcessIsRefused) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(10).ok());
  const auto second = Store::Open(options_);
  ExpectError(second.status(), absl::StatusCode::kFailedPrecondition, kReasonStoreInUse);
  EXPECT_TRUE(AppendUpTo(20).ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(OpeningTest, SecondProcessIsRefused) {
  options_.env = nullptr;
  // The child has the store until it hears the end of `quit`.
  int ready[2];
  int quit[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(quit), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(quit[1]);
    char byte = Open().ok() && AppendUpTo(10).ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1 || read(quit[0], &byte, 1) < 0) _exit(2);
    _exit(0);
  }
  close(ready[1]);
  close(quit[0]);
  char opened = 0;
  ASSERT_EQ(read(ready[0], &opened, 1), 1);
  ASSERT_EQ(opened, 'y');
  ExpectError(Open(), absl::StatusCode::kFailedPrecondition, kReasonStoreInUse);
  close(quit[1]);
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  // It ended without closing the store.
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(store_->FindExtent(kQueue)->end, 10u);
  close(ready[0]);
}

TEST_F(OpeningTest, FileInPlaceOfTheDirectoryIsRefused) {
  std::ofstream(directory_) << "not a directory";
  for (rocksdb::Env* env : {static_cast<rocksdb::Env*>(nullptr), options_.env}) {
    options_.env = env;
    ExpectError(Open(), absl::StatusCode::kFailedPrecondition, kReasonStoreDirectory);
  }
  options_.directory = directory_ + "/inside";
  ExpectError(Open(), absl::StatusCode::kFailedPrecondition, kReasonStoreDirectory);
}

TEST_F(OpeningTest, FolderAboveMustBeThere) {
  options_.env = nullptr;
  options_.directory = directory_ + "/missing/store";
  const absl::Status status = Open();
  ExpectError(status, absl::StatusCode::kFailedPrecondition, kReasonStoreDirectory);
  EXPECT_NE(status.message().find("/missing/store"), absl::string_view::npos) << status;
}

TEST_F(OpeningTest, DirectoryThatMayNotBeWrittenToIsRefused) {
  fs_->DenyWriting(true);
  ExpectError(Open(), absl::StatusCode::kPermissionDenied, kReasonStoreDirectory);
  fs_->DenyWriting(false);
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(10).ok());
  store_.reset();
  fs_->DenyWriting(true);
  ExpectError(Open(), absl::StatusCode::kPermissionDenied, kReasonStoreDirectory);
  fs_->DenyWriting(false);
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(OpeningTest, OtherFormatIsRefused) {
  ASSERT_TRUE(Open().ok());
  store_.reset();
  ChangeDatabase(directory_, [](rocksdb::DB* db, const DatabaseTables&) {
    EXPECT_TRUE(db->Put(rocksdb::WriteOptions(), "format", std::string("\0\0\0\0\0\0\0\2", 8)).ok());
  });
  ExpectError(Open(), absl::StatusCode::kFailedPrecondition, kReasonStoreVersion);
}

}  // namespace
}  // namespace nmq::log
