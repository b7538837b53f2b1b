#include "client/examples/directory_watcher.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/examples/scratch.h"

namespace nmq {
namespace examples {
namespace {

namespace fs = std::filesystem;

using Lines = std::vector<std::string>;

std::string Describe(const FileChange& change) {
  switch (change.kind) {
    case FileChange::Kind::kCreate:
      return absl::StrCat("+", change.path, change.directory ? "/" : "");
    case FileChange::Kind::kModify:
      return absl::StrCat("*", change.path);
    case FileChange::Kind::kDelete:
      return absl::StrCat("-", change.path, change.directory ? "/" : "");
    case FileChange::Kind::kOverflow:
      break;
  }
  return absl::StrCat("!", change.reason);
}

class DirectoryWatcherTest : public testing::Test {
 protected:
  void Open() { watcher_ = *DirectoryWatcher::Open(scratch_.path()); }

  void Write(const std::string& name, const std::string& text) {
    std::ofstream(scratch_ / name, std::ios::app) << text;
  }

  std::vector<FileChange> Read(absl::Time now = absl::Now()) {
    std::vector<FileChange> changes;
    EXPECT_TRUE(watcher_->Read(now, &changes).ok());
    return changes;
  }

  // What inotify knows, it knows when the system call returns: one look is enough.
  Lines Changes(absl::Time now = absl::Now()) {
    Lines lines;
    for (const FileChange& change : Read(now)) lines.push_back(Describe(change));
    return lines;
  }

  Scratch scratch_;
  std::unique_ptr<DirectoryWatcher> watcher_;
};

TEST_F(DirectoryWatcherTest, NothingHappensInAQuietDirectory) {
  Write("old", "x");
  Open();
  EXPECT_EQ(Changes(), Lines());
  EXPECT_EQ(watcher_->due(), absl::InfiniteFuture());
}

TEST_F(DirectoryWatcherTest, AnEmptyFileIsACreate) {
  Open();
  Write("a", "");
  EXPECT_EQ(Changes(), Lines({"+a"}));
}

TEST_F(DirectoryWatcherTest, AWrittenFileIsACreateAndAModify) {
  Open();
  Write("a", "hello");
  const std::vector<FileChange> changes = Read();
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(Describe(changes[0]), "+a");
  EXPECT_EQ(Describe(changes[1]), "*a");
  EXPECT_EQ(changes[1].size, 5u);
  EXPECT_FALSE(changes[1].directory);
  EXPECT_LT(absl::AbsDuration(absl::Now() - changes[1].time), absl::Minutes(1));
}

TEST_F(DirectoryWatcherTest, WritingTwiceWithoutClosingIsOneModify) {
  Write("a", "");
  Open();
  {
    std::ofstream file(scratch_ / "a");
    file << "one" << std::flush << "two" << std::flush;
  }
  EXPECT_EQ(Changes(), Lines({"*a"}));
}

TEST_F(DirectoryWatcherTest, OpeningForWritingAloneIsNothing) {
  Write("a", "");
  Open();
  Write("a", "");
  EXPECT_EQ(Changes(), Lines());
}

TEST_F(DirectoryWatcherTest, AFileThatStaysOpenIsModifiedAfterAWhile) {
  Write("a", "");
  Open();
  std::ofstream file(scratch_ / "a");
  file << "one" << std::flush;
  const absl::Time now = absl::Now();
  EXPECT_EQ(Changes(now), Lines());
  EXPECT_EQ(watcher_->due(), now + absl::Seconds(1));
  EXPECT_EQ(Changes(now + absl::Milliseconds(999)), Lines());
  EXPECT_EQ(Changes(now + absl::Seconds(1)), Lines({"*a"}));
  EXPECT_EQ(watcher_->due(), absl::InfiniteFuture());
  file.close();
  EXPECT_EQ(Changes(now + absl::Seconds(2)), Lines());
}

TEST_F(DirectoryWatcherTest, ARemovedFileIsADeleteWithoutSize) {
  Write("a", "hello");
  Open();
  fs::remove(scratch_ / "a");
  const std::vector<FileChange> changes = Read();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(Describe(changes[0]), "-a");
  EXPECT_FALSE(changes[0].size.has_value());
}

TEST_F(DirectoryWatcherTest, AMoveIsADeleteAndACreate) {
  Write("a", "hello");
  Open();
  fs::rename(scratch_ / "a", scratch_ / "b");
  EXPECT_EQ(Changes(), Lines({"-a", "+b"}));
}

TEST_F(DirectoryWatcherTest, AMoveInIsACreateAndAMoveOutADelete) {
  const Scratch elsewhere;
  Write("a", "hello");
  std::ofstream(elsewhere / "b") << "hello";
  Open();
  fs::rename(scratch_ / "a", elsewhere / "a");
  fs::rename(elsewhere / "b", scratch_ / "b");
  EXPECT_EQ(Changes(), Lines({"-a", "+b"}));
}

TEST_F(DirectoryWatcherTest, AMoveOntoAFileIsACreateAfterADelete) {
  Write("a", "hello");
  Write("b", "old");
  Open();
  fs::rename(scratch_ / "a", scratch_ / "b");
  EXPECT_EQ(Changes(), Lines({"-a", "+b"}));
}

TEST_F(DirectoryWatcherTest, DirectoriesThatWereThereAreWatched) {
  fs::create_directories(scratch_ / "d/e");
  Open();
  EXPECT_EQ(watcher_->directories(), 3u);
  Write("d/e/a", "");
  EXPECT_EQ(Changes(), Lines({"+d/e/a"}));
}

TEST_F(DirectoryWatcherTest, ADirectoryThatAppearsIsWatched) {
  Open();
  fs::create_directory(scratch_ / "d");
  EXPECT_EQ(Changes(), Lines({"+d/"}));
  Write("d/a", "x");
  EXPECT_EQ(Changes(), Lines({"+d/a", "*d/a"}));
}

TEST_F(DirectoryWatcherTest, WhatIsInADirectoryBeforeItIsWatchedIsCreatedOnce) {
  Open();
  fs::create_directories(scratch_ / "d/e");
  Write("d/a", "x");
  Write("d/e/b", "");
  EXPECT_EQ(Changes(), Lines({"+d/", "+d/a", "+d/e/", "+d/e/b"}));
  EXPECT_EQ(watcher_->directories(), 3u);
  Write("d/e/b", "x");
  EXPECT_EQ(Changes(), Lines({"*d/e/b"}));
}

TEST_F(DirectoryWatcherTest, ADirectoryThatIsMovedInBringsItsFiles) {
  const Scratch elsewhere;
  fs::create_directory(elsewhere / "d");
  std::ofstream(elsewhere / "d/a") << "x";
  Open();
  fs::rename(elsewhere / "d", scratch_ / "d");
  EXPECT_EQ(Changes(), Lines({"+d/", "+d/a"}));
  fs::remove(scratch_ / "d/a");
  EXPECT_EQ(Changes(), Lines({"-d/a"}));
  Write("d/a", "");
  EXPECT_EQ(Changes(), Lines({"+d/a"}));
}

TEST_F(DirectoryWatcherTest, AFileThatTakesAFoundFilesPlaceIsACreate) {
  const Scratch elsewhere;
  fs::create_directory(elsewhere / "d");
  std::ofstream(elsewhere / "d/a") << "x";
  Open();
  fs::rename(elsewhere / "d", scratch_ / "d");
  EXPECT_EQ(Changes(), Lines({"+d/", "+d/a"}));
  std::ofstream(elsewhere / "b") << "y";
  fs::rename(elsewhere / "b", scratch_ / "d/a");
  EXPECT_EQ(Changes(), Lines({"+d/a"}));
}

TEST_F(DirectoryWatcherTest, AMovedDirectoryKeepsBeingWatchedUnderItsNewName) {
  fs::create_directories(scratch_ / "d/e");
  Write("d/e/a", "x");
  Open();
  fs::rename(scratch_ / "d", scratch_ / "f");
  EXPECT_EQ(Changes(), Lines({"-d/", "+f/", "+f/e/", "+f/e/a"}));
  EXPECT_EQ(watcher_->directories(), 3u);
  Write("f/e/a", "y");
  EXPECT_EQ(Changes(), Lines({"*f/e/a"}));
}

TEST_F(DirectoryWatcherTest, ADirectoryThatIsMovedAwayIsNoLongerWatched) {
  const Scratch elsewhere;
  fs::create_directories(scratch_ / "d/e");
  fs::create_directories(scratch_ / "de");
  Open();
  fs::rename(scratch_ / "d", elsewhere / "d");
  EXPECT_EQ(Changes(), Lines({"-d/"}));
  EXPECT_EQ(watcher_->directories(), 2u);
  std::ofstream(elsewhere / "d/e/a") << "x";
  EXPECT_EQ(Changes(), Lines());
}

TEST_F(DirectoryWatcherTest, ARemovedTreeIsADeleteOfEach) {
  fs::create_directories(scratch_ / "d/e");
  Write("d/e/a", "x");
  Open();
  fs::remove_all(scratch_ / "d");
  EXPECT_EQ(Changes(), Lines({"-d/e/a", "-d/e/", "-d/"}));
  EXPECT_EQ(watcher_->directories(), 1u);
}

TEST_F(DirectoryWatcherTest, SymbolicLinksAreFilesThatAreNotFollowed) {
  const Scratch elsewhere;
  Open();
  fs::create_directory_symlink(elsewhere.path(), scratch_ / "link");
  EXPECT_EQ(Changes(), Lines({"+link"}));
  std::ofstream(elsewhere / "a") << "x";
  EXPECT_EQ(Changes(), Lines());
}

TEST_F(DirectoryWatcherTest, NamesMayHaveAnyBytes) {
  Open();
  Write("a b\n\xFF", "");
  EXPECT_EQ(Changes(), Lines({"+a b\n\xFF"}));
}

TEST_F(DirectoryWatcherTest, AFullKernelQueueIsAnOverflowAndWatchingGoesOn) {
  size_t limit = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
  if (limit == 0 || limit > 200'000) GTEST_SKIP() << "max_queued_events is " << limit;
  Open();
  for (size_t i = 0; i <= limit / 2; ++i) {
    close(open((scratch_ / "a").c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600));
    unlink((scratch_ / "a").c_str());
  }
  fs::create_directory(scratch_ / "d");
  Lines lines;
  for (Lines more = Changes(); !more.empty(); more = Changes()) lines.insert(lines.end(), more.begin(), more.end());
  ASSERT_EQ(lines.size(), limit + 1);
  EXPECT_EQ(lines.front(), "+a");
  EXPECT_EQ(lines.back(), "!the kernel's queue of changes was full");
  Write("d/b", "");
  EXPECT_EQ(Changes(), Lines({"+d/b"}));
}

TEST_F(DirectoryWatcherTest, TheEndOfTheDirectoryIsNotFound) {
  Open();
  fs::remove(scratch_.path());
  std::vector<FileChange> changes;
  EXPECT_TRUE(absl::IsNotFound(watcher_->Read(absl::Now(), &changes)));
}

TEST(DirectoryWatcherOpen, RefusesWhatIsNoDirectory) {
  const Scratch scratch;
  std::ofstream(scratch / "file") << "x";
  EXPECT_EQ(DirectoryWatcher::Open(scratch / "file").status().message(),
            absl::StrCat("cannot watch ", scratch / "file", ": Not a directory"));
  EXPECT_TRUE(absl::IsNotFound(DirectoryWatcher::Open(scratch / "nothing").status()));
}

}  // namespace
}  // namespace examples
}  // namespace nmq
