// What nmqd does when its disk, of 128 MB, is full. It keeps 64 MB of that in reserve.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fault/nmqd_disk.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kRefused[] = "RESOURCE_EXHAUSTED DISK_FULL";
constexpr size_t kLargeBytes = 256 << 10;
constexpr int kFillCount = 600;

class NmqdFullDiskTest : public NmqdDiskTest {
 protected:
  // Mounts of our own, which end with the process and nmqd. Before there is any other thread: each has its own view.
  static void SetUpTestSuite() {
    const std::string user = absl::StrCat("0 ", getuid(), " 1");
    const std::string group = absl::StrCat("0 ", getgid(), " 1");
    const auto write = [](const char* path, const std::string& text) {
      return static_cast<bool>((std::ofstream(path) << text).flush());
    };
    if (unshare(CLONE_NEWNS) != 0 &&
        (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write("/proc/self/setgroups", "deny") ||
         !write("/proc/self/uid_map", user) || !write("/proc/self/gid_map", group))) {
      why_not_ = absl::StrCat("no mounts of our own: ", strerror(errno));
    } else if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      why_not_ = absl::StrCat("no private mounts: ", strerror(errno));
    }
  }

  NmqdFullDiskTest() : disk_(directory_) { directory_ = disk_ + "/data"; }

  void SetUp() override {
    if (!why_not_.empty()) GTEST_SKIP() << why_not_;
    std::filesystem::create_directory(disk_);
    if (mount("tmpfs", disk_.c_str(), "tmpfs", 0, "size=128m,mode=0700") != 0) {
      GTEST_SKIP() << "cannot mount a tmpfs: " << strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    // nmqd still has it.
    if (mounted_) umount2(disk_.c_str(), MNT_DETACH);
    std::filesystem::remove(disk_);
  }

  // Another program's file, of all that is left.
  void FillUp() const {
    std::ofstream filler(disk_ + "/filler", std::ios::binary);
    const std::string zeros(4096, '\0');
    while (filler.write(zeros.data(), static_cast<std::streamsize>(zeros.size())).flush()) {
    }
  }
  void MakeRoom() const { std::filesystem::remove(disk_ + "/filler"); }

  void ExpectRefused(const grpc::Status& status) const {
    EXPECT_THAT(Summary(status), StartsWith(kRefused));
    EXPECT_THAT(Summary(status), HasSubstr(" retry="));
    for (const char* word : {directory_.c_str(), "the disk is full", "make room"}) {
      EXPECT_THAT(status.error_message(), HasSubstr(word));
    }
  }
  // Nothing more is taken for the disk; everything else goes on.
  void ExpectOnlyWritingIsRefused() {
    for (const char* queue : {"D", "B"}) ExpectRefused(Publish(queue, "refused"));
    EXPECT_TRUE(WaitForHealth(false));
    ExpectHealth(false);
    EXPECT_TRUE(WaitForLog({directory_, "the disk is full", "make room"}));
    ExpectHoldsAcknowledged("D");
    ExpectHoldsAcknowledged("B");
    ExpectLiveQueueWorks();
  }
  void ExpectWritingGoesOn() {
    EXPECT_TRUE(WaitForHealth(true));
    ExpectHealth(true);
    EXPECT_TRUE(WaitForLog({"can be written to again"}));
    PublishAcknowledged("D", 20);
    PublishAcknowledged("B", 20);
    ExpectHoldsAcknowledged("D");
    ExpectHoldsAcknowledged("B");
  }

  const std::string disk_;
  static std::string why_not_;
  bool mounted_ = false;
};

std::string NmqdFullDiskTest::why_not_;

TEST_F(NmqdFullDiskTest, FilledByItsOwnMessagesItGoesOnWhenSomeArePurged) {
  Start();
  PublishAcknowledged("B", 3);
  ExpectRefused(PublishUntilRefused("D", kFillCount, kLargeBytes));
  std::vector<std::string>& acknowledged = acknowledged_["D"];
  EXPECT_GT(acknowledged.size(), 50u);
  ExpectOnlyWritingIsRefused();

  const size_t purged = acknowledged.size() - 10;
  v1::PurgeQueueRequest purge;
  purge.set_name("D");
  purge.set_up_to_sequence(purged);
  EXPECT_EQ(api().Get(&v1::Admin::Stub::PurgeQueue, purge).messages(), purged);
  acknowledged.erase(acknowledged.begin(), acknowledged.begin() + static_cast<std::ptrdiff_t>(purged));
  ExpectWritingGoesOn();
  Stop();
  Start();
  ExpectHealth(true);
  ExpectHoldsAcknowledged("D");
  ExpectHoldsAcknowledged("B");
  PublishAcknowledged("D", 20);
}

TEST_F(NmqdFullDiskTest, FilledBySomebodyElseItGoesOnWhenThatIsGone) {
  Start();
  PublishAcknowledged("D", 100);
  PublishAcknowledged("B", 100);
  for (int round = 0; round < 2; ++round) {
    FillUp();
    ExpectRefused(PublishUntilRefused("D", kFillCount, kLargeBytes));
    ExpectOnlyWritingIsRefused();
    MakeRoom();
    ExpectWritingGoesOn();
  }
  Stop();
  Start();
  ExpectHoldsAcknowledged("D");
  ExpectHoldsAcknowledged("B");
}

TEST_F(NmqdFullDiskTest, KilledWhileItIsFullNothingAcknowledgedIsLost) {
  Start();
  PublishAcknowledged("D", 100);
  FillUp();
  ExpectRefused(PublishUntilRefused("D", kFillCount, kLargeBytes));
  Kill();
  MakeRoom();
  Start();
  ExpectHealth(true);
  // A full disk leaves nothing of what it refused.
  ExpectHoldsAcknowledged("D");
  PublishAcknowledged("D", 20);
  ExpectHoldsAcknowledged("D");
}

TEST_F(NmqdFullDiskTest, StartsOnceThereIsRoomAndSaysSo) {
  Start();
  PublishAcknowledged("D", 100);
  Stop();
  FillUp();
  ExpectRefusesToStart({directory_, "full disk", "No space left on device"});
  MakeRoom();
  Start();
  ExpectHoldsAcknowledged("D");
  PublishAcknowledged("D", 20);
}

TEST_F(NmqdFullDiskTest, OnADiskOfLessThanTheReserveOnlyLiveQueuesWork) {
  ASSERT_EQ(mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0) << strerror(errno);
  Start();
  ExpectOnlyWritingIsRefused();
}

TEST_F(NmqdFullDiskTest, OnADiskThatMayOnlyBeReadItDoesNotStart) {
  Start();
  PublishAcknowledged("D", 10);
  Stop();
  ASSERT_EQ(mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0) << strerror(errno);
  ExpectRefusesToStart({directory_, "may read and write", "Read-only file system"});
  ASSERT_EQ(mount("tmpfs", disk_.c_str(), "tmpfs", MS_REMOUNT, nullptr), 0) << strerror(errno);
  Start();
  ExpectHoldsAcknowledged("D");
}

}  // namespace
}  // namespace nmq::integration
