#include "tests/bench/harness/file_limit.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace nmq::bench {
namespace {

TEST(FileLimit, IsRaisedToWhatTheSystemAllows) {
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max / 2;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(RaiseFileLimit(), files.rlim_max);
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(files.rlim_cur, files.rlim_max);
}

}  // namespace
}  // namespace nmq::bench
