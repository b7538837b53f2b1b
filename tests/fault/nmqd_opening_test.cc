// Directories that nmqd cannot serve from: damaged, not its own to write to, or somebody else's.
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fault/nmqd_disk.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class NmqdSecondTest : public NmqdDiskTest {};

TEST_F(NmqdSecondTest, IsRefusedAndTheFirstGoesOn) {
  Start();
  PublishAcknowledged("D", 10);
  ExpectRefusesToStart({directory_, "has it open", "a directory of its own"});
  PublishAcknowledged("D", 10);
  ExpectHoldsAcknowledged("D");
  ExpectHealth(true);
  // A killed one holds nothing any more.
  Kill();
  Start();
  ExpectHoldsAcknowledged("D");
  PublishAcknowledged("D", 10);
}

class NmqdPermissionTest : public NmqdDiskTest {
 protected:
  // Root may read and write anything, unless it lacks the capabilities: what this process starts from here on does.
  void SetUp() override {
    if (geteuid() != 0) return;
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) {
      if (prctl(PR_CAPBSET_DROP, capability) != 0) {
        GTEST_SKIP() << "root that cannot be forbidden anything: " << strerror(errno);
      }
    }
  }
  void TearDown() override { chmod(directory_.c_str(), 0700); }
};

TEST_F(NmqdPermissionTest, DirectoryThatMayNotBeWrittenToIsRefused) {
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(chmod(directory_.c_str(), 0500), 0);
  ExpectRefusesToStart({directory_, "may read and write", "Permission denied"});
  // The same with all in it.
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
  Start();
  PublishAcknowledged("D", 10);
  Stop();
  ASSERT_EQ(chmod(directory_.c_str(), 0500), 0);
  ExpectRefusesToStart({directory_, "may read and write", "Permission denied"});
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
  Start();
  ExpectHoldsAcknowledged("D");
  PublishAcknowledged("D", 10);
}

TEST_F(NmqdPermissionTest, DirectoryThatCannotBeMadeIsRefused) {
  const std::string above = directory_;
  std::filesystem::create_directory(above);
  ASSERT_EQ(chmod(above.c_str(), 0500), 0);
  directory_ = above + "/data";
  ExpectRefusesToStart({directory_, "may read and write", "Permission denied"});
  directory_ = above + "/missing/data";
  ExpectRefusesToStart({directory_, "cannot be made", "No such file"});
  directory_ = above;
}

TEST_F(NmqdPermissionTest, FileThatMayNotBeReadIsNamed) {
  Start();
  PublishAcknowledged("D", 10);
  Stop();
  const std::string file = directory_ + "/CURRENT";
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  ExpectRefusesToStart({file, "may read and write", "Permission denied"});
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  Start();
  ExpectHoldsAcknowledged("D");
}

TEST_F(NmqdPermissionTest, DirectoryThatIsTakenAwayWhileItRunsEndsWritingUntilARestart) {
  Start();
  PublishAcknowledged("D", 10);
  ASSERT_EQ(chmod(directory_.c_str(), 0500), 0);
  // Until a new file is needed.
  const grpc::Status refused = PublishUntilRefused("D", 400, 256 << 10);
  EXPECT_THAT(Summary(refused), StartsWith("UNAVAILABLE STORE_FAILED"));
  EXPECT_THAT(refused.error_message(), HasSubstr("Permission denied"));
  EXPECT_THAT(refused.error_message(), HasSubstr(directory_));
  ExpectHealth(false);
  ExpectHoldsAcknowledged("D");
  ExpectLiveQueueWorks();
  Stop();
  ASSERT_EQ(chmod(directory_.c_str(), 0700), 0);
  Start();
  ExpectHoldsAcknowledgedAndPerhaps("D", {absl::StrCat("D-", acknowledged_["D"].size() + 1)});
  PublishAcknowledged("D", 10);
}

class NmqdFilesTest : public NmqdDiskTest {
 protected:
  // As most people have it.
  NmqdFilesTest() : before_(umask(022)) {}
  ~NmqdFilesTest() override { umask(before_); }

  void ExpectAllAreForTheirOwnerOnly() const {
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      EXPECT_EQ(file.status().permissions() & std::filesystem::perms::all,
                std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
          << file.path();
    }
  }

 private:
  const mode_t before_;
};

TEST_F(NmqdFilesTest, AreForTheirOwnerOnlyInADirectoryThatOthersMayRead) {
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  Start();
  PublishAcknowledged("D", 100, 256 << 10);
  ExpectAllAreForTheirOwnerOnly();
  Stop();
  ExpectAllAreForTheirOwnerOnly();
}

TEST_F(NmqdFilesTest, ThatOthersCouldReadAreTightenedAtTheStart) {
  Start();
  PublishAcknowledged("D", 100, 256 << 10);
  Stop();
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    ASSERT_EQ(chmod(file.path().c_str(), 0644), 0);
  }
  // It is somebody else's.
  const std::string foreign = directory_ + "/notes.txt";
  std::ofstream(foreign) << "notes";
  ASSERT_EQ(chmod(foreign.c_str(), 0644), 0);
  Start();
  ExpectHoldsAcknowledged("D");
  struct stat about;
  ASSERT_EQ(stat(foreign.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0644u);
  std::filesystem::remove(foreign);
  ExpectAllAreForTheirOwnerOnly();
}

class NmqdDamageTest : public NmqdDiskTest {
 protected:
  // A directory with tables and a log, of a server that was stopped.
  void SetUp() override {
    Start();
    PublishAcknowledged("D", 100, 256 << 10);
    ASSERT_TRUE(WaitUntil([&] { return !Files(".sst").empty(); }));
    Stop();
  }

  // Files with such a name, smallest number first.
  std::vector<std::string> Files(const std::string& part) const {
    std::vector<std::string> paths;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      if (absl::StrContains(file.path().filename().string(), part) && file.file_size() > 0) {
        paths.push_back(file.path().string());
      }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  static std::string Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  static void SetContent(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string Damaged(std::string content) {
    for (size_t i = 0; i < 16; ++i)
      content[content.size() / 2 + i] = static_cast<char>(~content[content.size() / 2 + i]);
    return content;
  }
  static std::string NameOf(const std::string& path) { return std::filesystem::path(path).filename().string(); }

  // With `content` instead of its own the file is a reason not to start; afterwards nothing is missing.
  void ExpectRefusesToStartWith(const std::string& path, const std::string& content) {
    const std::string right = Content(path);
    SetContent(path, content);
    ExpectRefusesToStart({directory_, NameOf(path), "damaged", "backup"});
    SetContent(path, right);
  }
};

TEST_F(NmqdDamageTest, IsToldWithTheFilesNameAndNothingIsStarted) {
  const std::string log = Files(".log").back();
  ExpectRefusesToStartWith(log, Damaged(Content(log)));
  const std::string manifest = Files("MANIFEST").back();
  ExpectRefusesToStartWith(manifest, Damaged(Content(manifest)));
  const std::string table = Files(".sst").front();
  ExpectRefusesToStartWith(table, Content(table).substr(0, Content(table).size() / 2));

  const std::string elsewhere = directory_ + ".elsewhere";
  for (const std::string& file : {table, directory_ + "/CURRENT"}) {
    std::filesystem::rename(file, elsewhere);
    ExpectRefusesToStart({directory_, NameOf(file), "backup"});
    std::filesystem::rename(elsewhere, file);
  }
  Start();
  ExpectHealth(true);
  ExpectHoldsAcknowledged("D");
  PublishAcknowledged("D", 10);
}

TEST_F(NmqdDamageTest, InsideATableIsToldToWhoReadsIt) {
  const std::string table = Files(".sst").front();
  const std::string right = Content(table);
  SetContent(table, Damaged(right));
  Start();
  v1::SubscribeRequest request = client().SubscribeRequest("D");
  request.mutable_start()->set_earliest(true);
  {
    auto listener = client().Subscribe(request);
    const grpc::Status end = listener->End();
    EXPECT_THAT(Summary(end), StartsWith("DATA_LOSS STORE_DAMAGED"));
    for (const std::string& word : {directory_, NameOf(table)}) EXPECT_THAT(end.error_message(), HasSubstr(word));
  }
  // What is not damaged is served.
  ExpectLiveQueueWorks();
  PublishAcknowledged("D", 1);
  request.mutable_start()->set_sequence(acknowledged_["D"].size() - 5);
  EXPECT_EQ(client().Subscribe(request)->Payloads(5).size(), 5u);
  Stop();
  SetContent(table, right);
  Start();
  ExpectHoldsAcknowledged("D");
}

TEST_F(NmqdDamageTest, EndsNoStreamButThatWhichReadsIt) {
  const std::string table = Files(".sst").front();
  SetContent(table, Damaged(Content(table)));
  Start();
  v1::SubscribeRequest request = client().SubscribeRequest("D");
  request.mutable_start()->set_earliest(true);
  auto listener = client().Subscribe(request);
  EXPECT_THAT(Summary(listener->End()), StartsWith("DATA_LOSS STORE_DAMAGED"));
  const uint64_t damaged = listener->Resume().resume().positions(0).sequence() + 1;
  for (int i = 0; i < 200; ++i) {
    // It leaves while what it wants is being read, and the next one may get its memory.
    request.mutable_start()->set_sequence(damaged);
    client().Subscribe(request)->Cancel();
    request.mutable_start()->set_sequence(acknowledged_["D"].size() - 5);
    ASSERT_EQ(client().Subscribe(request)->Payloads(5).size(), 5u) << "the stream number " << i;
  }
}

}  // namespace
}  // namespace nmq::integration
