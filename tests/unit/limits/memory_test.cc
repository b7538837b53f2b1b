#include "server/limits/memory.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace nmq {
namespace {

class MemoryLimit : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "/cgroup." + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
  }

  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& content) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }

  uint64_t Limit(const std::string& cgroups) { return MemoryLimitBytes({1000, cgroups, root_}); }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

TEST_F(MemoryLimit, IsThePhysicalMemoryWithoutControlGroups) {
  EXPECT_EQ(Limit(""), 1000u);
  EXPECT_EQ(Limit("0::/\n"), 1000u);
  EXPECT_EQ(Limit("0::/system.slice/nmqd.service\n"), 1000u);
}

TEST_F(MemoryLimit, IsThatOfTheGroupOfVersion2) {
  Write("/a/b/memory.max", "400\n");
  EXPECT_EQ(Limit("0::/a/b\n"), 400u);
  EXPECT_EQ(Limit("0::/a\n"), 1000u);
}

TEST_F(MemoryLimit, IsThatFromWhichTheKernelSlowsTheGroupDown) {
  Write("/a/memory.max", "max\n");
  Write("/a/memory.high", "300\n");
  EXPECT_EQ(Limit("0::/a\n"), 300u);
}

TEST_F(MemoryLimit, IsTheAddressSpaceThatIsLeft) {
  Write("/a/memory.max", "400\n");
  EXPECT_EQ(MemoryLimitBytes({1000, "0::/a\n", root(), 300}), 300u);
  EXPECT_EQ(MemoryLimitBytes({1000, "0::/a\n", root(), 500}), 400u);
  EXPECT_EQ(MemoryLimitBytes({1000, "", root(), 0}), 1u);
}

TEST_F(MemoryLimit, IsTheSmallestOnTheWayUp) {
  Write("/memory.max", "600\n");
  Write("/a/memory.max", "300\n");
  Write("/a/b/memory.max", "400\n");
  EXPECT_EQ(Limit("0::/a/b\n"), 300u);
  EXPECT_EQ(Limit("0::/\n"), 600u);
  // Seen from a container, the path is the host's.
  EXPECT_EQ(Limit("0::/kubepods/pod7\n"), 600u);
}

TEST_F(MemoryLimit, IsThatOfTheMemoryGroupOfVersion1) {
  Write("/memory/docker/x/memory.limit_in_bytes", "500\n");
  Write("/memory/wrong/memory.limit_in_bytes", "5\n");
  EXPECT_EQ(Limit("4:cpu,cpuacct:/wrong\n3:memory:/docker/x\n0::/\n"), 500u);
  EXPECT_EQ(Limit("3:hugetlb,memory:/docker/x\n"), 500u);
}

TEST_F(MemoryLimit, IgnoresLimitsAboveThePhysicalMemory) {
  Write("/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(Limit("4:memory:/\n"), 1000u);
}

TEST_F(MemoryLimit, IgnoresWhatIsNoNumber) {
  for (const char* content : {"max\n", "", "0\n", "-1\n", "12x\n"}) {
    Write("/memory.max", content);
    EXPECT_EQ(Limit("0::/\n"), 1000u) << content;
  }
}

TEST_F(MemoryLimit, IgnoresBrokenLines) {
  Write("/memory.max", "400\n");
  EXPECT_EQ(Limit("\nnonsense\n0:\n::\n"), 400u);
  EXPECT_EQ(Limit("nonsense\n0:\n"), 1000u);
}

TEST(MemoryLimitOfThisProcess, IsNotNothing) { EXPECT_GT(MemoryLimitBytes(), uint64_t{1} << 20); }

}  // namespace
}  // namespace nmq
