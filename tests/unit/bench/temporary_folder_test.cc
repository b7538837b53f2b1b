#include "tests/bench/harness/temporary_folder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/status/status.h"

namespace nmq::bench {
namespace {

TEST(TemporaryFolder, GoesWithAllThatIsInIt) {
  std::string path;
  {
    auto folder = TemporaryFolder::Make(testing::TempDir());
    ASSERT_TRUE(folder.ok()) << folder.status();
    path = (*folder)->path();
    std::filesystem::create_directory(path + "/inner");
    std::ofstream(path + "/inner/file") << "x";
    EXPECT_TRUE(std::filesystem::exists(path + "/inner/file"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, NoTwoAreTheSame) {
  const auto first = TemporaryFolder::Make(testing::TempDir());
  const auto second = TemporaryFolder::Make(testing::TempDir());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE((*first)->path(), (*second)->path());
}

TEST(TemporaryFolder, ParentThatIsNotThereIsAnError) { EXPECT_FALSE(TemporaryFolder::Make("/no/such/folder").ok()); }

TEST(CheckOnDisk, MemoryIsNoDisk) {
  if (!std::filesystem::exists("/dev/shm")) GTEST_SKIP() << "no /dev/shm";
  EXPECT_EQ(CheckOnDisk("/dev/shm").code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CheckOnDisk, FolderThatIsNotThereIsNotFound) {
  EXPECT_EQ(CheckOnDisk("/no/such/folder").code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace nmq::bench
