#include "tests/bench/harness/disk.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/bench/harness/temporary_folder.h"

namespace nmq::bench {
namespace {

TEST(Disk, EachSyncIsTimed) {
  const auto folder = TemporaryFolder::Make(testing::TempDir());
  ASSERT_TRUE(folder.ok()) << folder.status();
  const auto syncs = MeasureSyncs((*folder)->path(), 4096, 3, absl::Minutes(1));
  ASSERT_TRUE(syncs.ok()) << syncs.status();
  EXPECT_EQ(syncs->count(), 3u);
  EXPECT_GT(syncs->max(), 0);
  EXPECT_TRUE(std::filesystem::is_empty((*folder)->path()));
}

TEST(Disk, EndsWhenPatienceDoes) {
  const auto syncs = MeasureSyncs(testing::TempDir(), 4096, 1000000, absl::ZeroDuration());
  ASSERT_TRUE(syncs.ok()) << syncs.status();
  EXPECT_EQ(syncs->count(), 1u);
}

TEST(Disk, FolderThatIsNotThereIsAnError) {
  EXPECT_FALSE(MeasureSyncs("/no/such/folder", 4096, 1, absl::Minutes(1)).ok());
}

}  // namespace
}  // namespace nmq::bench
