// What a store does on a real disk of 64 MB that fills up.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "tests/fault/store_fixture.h"

namespace nmq::log {
namespace {

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  return static_cast<bool>(file.flush());
}

class SmallDiskTest : public StoreFaultTest {
 protected:
  // Mounts of our own, which end with the process. Before there is any other thread: each thread has its own view.
  static void SetUpTestSuite() {
    const std::string user = absl::StrCat("0 ", getuid(), " 1");
    const std::string group = absl::StrCat("0 ", getgid(), " 1");
    if (unshare(CLONE_NEWNS) != 0 &&
        (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !WriteFile("/proc/self/setgroups", "deny") ||
         !WriteFile("/proc/self/uid_map", user) || !WriteFile("/proc/self/gid_map", group))) {
      why_not_ = absl::StrCat("no mounts of our own: ", strerror(errno));
    } else if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      why_not_ = absl::StrCat("no private mounts: ", strerror(errno));
    }
  }

  void SetUp() override {
    if (!why_not_.empty()) GTEST_SKIP() << why_not_;
    std::filesystem::create_directory(directory_);
    if (mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=64m,mode=0700") != 0) {
      GTEST_SKIP() << "cannot mount a tmpfs: " << strerror(errno);
    }
    mounted_ = true;
    options_.env = nullptr;
    options_.directory = directory_ + "/store";
    options_.write_buffer_bytes = 2 << 20;
  }
  void TearDown() override {
    store_.reset();
    if (mounted_) umount(directory_.c_str());
  }

  void ExpectFull(const absl::Status& status) {
    ExpectError(status, absl::StatusCode::kResourceExhausted, kReasonDiskFull);
  }

  // Writes zeros until nothing fits.
  void FillUp() const {
    std::ofstream filler(directory_ + "/filler", std::ios::binary);
    const std::string zeros(4096, '\0');
    while (filler.write(zeros.data(), static_cast<std::streamsize>(zeros.size())).flush()) {
    }
  }

  static std::string why_not_;
  bool mounted_ = false;
};

std::string SmallDiskTest::why_not_;

TEST_F(SmallDiskTest, FillsUpAndGoesOnAfterTrimming) {
  options_.reserve_bytes = 12 << 20;
  ASSERT_TRUE(Open().ok());
  ExpectFull(AppendUpTo(1'000'000, Sync::kNo));
  EXPECT_GT(acknowledged_, 20'000u);
  ExpectFull(store_->health());
  EXPECT_TRUE(HoldsAllFrom(1));
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_TRUE(HoldsAllFrom(1)) << "opening on a disk with little more than the reserve";
  ExpectFull(AppendUpTo(1'000'000));

  const uint64_t first = acknowledged_ - 100;
  ASSERT_TRUE(store_->Trim(kQueue, first).ok());
  store_->Housekeep();
  store_->Housekeep();
  EXPECT_TRUE(store_->health().ok()) << store_->health();
  EXPECT_TRUE(AppendUpTo(acknowledged_ + 5'000, Sync::kNo).ok());
  EXPECT_TRUE(HoldsAllFrom(first));
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_TRUE(HoldsAllFrom(first));
}

TEST_F(SmallDiskTest, GoesOnAfterSomebodyElsesFileIsGone) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(5000, Sync::kNo).ok());
  FillUp();
  ExpectFull(AppendUpTo(1'000'000, Sync::kNo));
  store_->Housekeep();
  ExpectFull(AppendUpTo(1'000'000, Sync::kNo));
  EXPECT_TRUE(HoldsAllFrom(1));

  std::filesystem::remove(directory_ + "/filler");
  store_->Housekeep();
  ASSERT_TRUE(store_->health().ok()) << store_->health();
  ASSERT_TRUE(AppendUpTo(acknowledged_ + 1000, Sync::kNo).ok());
  EXPECT_TRUE(HoldsAllFrom(1));
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_EQ(store_->FindExtent(kQueue)->end, acknowledged_);
  EXPECT_TRUE(HoldsAllFrom(1));
}

TEST_F(SmallDiskTest, OpensOnAFullDiskOrSaysThatItIsFull) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(AppendUpTo(5000, Sync::kNo).ok());
  store_.reset();
  FillUp();
  if (const absl::Status opened = Open(); opened.ok()) {
    EXPECT_TRUE(HoldsAllFrom(1));
  } else {
    ExpectFull(opened);
  }
  std::filesystem::remove(directory_ + "/filler");
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_TRUE(HoldsAllFrom(1));
}

}  // namespace
}  // namespace nmq::log
