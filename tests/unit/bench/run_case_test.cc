#include "tests/bench/workloads/run_case.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "tests/bench/harness/temporary_folder.h"

namespace nmq::bench {
namespace {

// A server that only waits for its end.
absl::StatusOr<RunningSystem> StartWaiter() {
  const std::string program = testing::TempDir() + "/waiter";
  std::ofstream(program) << "#!/bin/sh\ntrap 'exit 0' TERM\necho ready at=127.0.0.1:1\nwhile :; do sleep 0.01; done\n";
  chmod(program.c_str(), 0755);
  absl::StatusOr<std::unique_ptr<ServerProcess>> server =
      ServerProcess::Start({.words = {program}, .ready = "ready at="});
  if (!server.ok()) return server.status();
  return RunningSystem{*std::move(server), nullptr};
}

System Waiter() {
  return {.name = "waiter", .start = &StartWaiter, .start_storing = [](const std::string& folder) {
            std::ofstream(folder + "/starts", std::ios::app) << "x";
            return StartWaiter();
          }};
}

class RunCaseTest : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = TemporaryFolder::Make(testing::TempDir());
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_ = *std::move(folder);
  }

  absl::Status Run(const System& system, const Case& one) {
    return RunCase(system, one, Extent(), folder_->path(), &report_);
  }

  bool nothing_left() const { return std::filesystem::is_empty(folder_->path()); }

  std::unique_ptr<TemporaryFolder> folder_;
  Report report_;
};

TEST_F(RunCaseTest, LiveCaseHasNoFolder) {
  const absl::Status status =
      Run(Waiter(), {.name = "W", .run = [&](const Extent&, const Subject& subject, const Record& record) {
                       EXPECT_TRUE(subject.folder.empty());
                       record.Add("pid", "", subject.server);
                       return absl::OkStatus();
                     }});
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(report_.Values("W", "waiter", "pid").size(), 1u);
}

TEST_F(RunCaseTest, FolderOfAStoringCaseIsRemoved) {
  std::string folder;
  const Case one = {.name = "D", .stores = true, .run = [&](const Extent&, const Subject& subject, const Record&) {
                      folder = subject.folder;
                      EXPECT_TRUE(std::filesystem::exists(folder + "/starts"));
                      return absl::OkStatus();
                    }};
  const absl::Status status = Run(Waiter(), one);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(folder.empty());
  EXPECT_TRUE(nothing_left());
}

TEST_F(RunCaseTest, FolderIsRemovedAfterAFailure) {
  const Case one = {.name = "D", .stores = true, .run = [](const Extent&, const Subject&, const Record&) {
                      return absl::DataLossError("a message is missing");
                    }};
  EXPECT_EQ(Run(Waiter(), one), absl::DataLossError("a message is missing"));
  EXPECT_TRUE(nothing_left());
}

TEST_F(RunCaseTest, SystemThatStoresNothingIsUnimplemented) {
  System system = Waiter();
  system.start_storing = nullptr;
  const Case one = {.name = "D", .stores = true, .run = [](const Extent&, const Subject&, const Record&) {
                      return absl::InternalError("it ran");
                    }};
  EXPECT_EQ(Run(system, one).code(), absl::StatusCode::kUnimplemented);
}

TEST_F(RunCaseTest, RestartIsAnotherServerOnTheSameFolder) {
  const Case one = {.name = "D", .stores = true, .run = [](const Extent&, const Subject& subject, const Record&) {
                      const pid_t before = subject.server;
                      const std::string folder = subject.folder;
                      const absl::StatusOr<Restarted> again = subject.restart();
                      if (!again.ok()) return again.status();
                      EXPECT_NE(again->subject.server, before);
                      EXPECT_FALSE(ReadProcessStats(before).ok());
                      EXPECT_TRUE(ReadProcessStats(again->subject.server).ok());
                      EXPECT_EQ(again->subject.folder, folder);
                      EXPECT_EQ(std::filesystem::file_size(folder + "/starts"), 2u);
                      EXPECT_GT(again->ready, absl::ZeroDuration());
                      return absl::OkStatus();
                    }};
  const absl::Status status = Run(Waiter(), one);
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace nmq::bench
