#include "server/limits/descriptors.h"

#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(ShareDescriptors, LeavesFilesWhatTheyNeedAndConnectionsTheRest) {
  for (const uint64_t limit : {uint64_t{640}, uint64_t{1024}, uint64_t{20'000}, uint64_t{1} << 30}) {
    EXPECT_EQ(ShareDescriptors(limit).store_files, 256) << limit;
    EXPECT_EQ(ShareDescriptors(limit).connections, limit - 320) << limit;
  }
}

TEST(ShareDescriptors, OfFewGivesEachHalf) {
  EXPECT_EQ(ShareDescriptors(200).connections, 100u);
  EXPECT_EQ(ShareDescriptors(200).store_files, 80);
  EXPECT_EQ(ShareDescriptors(0).connections, 0u);
  EXPECT_EQ(ShareDescriptors(0).store_files, 0);
}

}  // namespace
}  // namespace nmq
