#include "tests/bench/harness/server_process.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace nmq::bench {
namespace {

// A program that runs these lines of shell.
std::string WriteScript(const std::string& name, const std::string& lines) {
  std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
  chmod(path.c_str(), 0755);
  return path;
}

TEST(ServerProcess, FindsTheAddressInTheReadyLine) {
  const std::string program = WriteScript("ready",
                                          "trap 'exit 0' TERM; echo starting; echo \"server ready grpc=127.0.0.1:4711 "
                                          "args=$1$2\"; while :; do sleep 0.01; done");
  auto server = ServerProcess::Start({.words = {program, "--flag", "-x"}, .ready = "server ready grpc="});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->address(), "127.0.0.1:4711");
  EXPECT_GT((*server)->pid(), 0);
  EXPECT_TRUE((*server)->Stop().ok());
}

TEST(ServerProcess, StandardErrorGoesToTheLog) {
  const std::string log = testing::TempDir() + "/log";
  EXPECT_FALSE(ServerProcess::Start(
                   {.words = {WriteScript("complains", "echo 'no memory' >&2; exit 3")}, .ready = "ready", .log = log})
                   .ok());
  std::stringstream text;
  text << std::ifstream(log).rdbuf();
  EXPECT_EQ(text.str(), "no memory\n");
}

TEST(ServerProcess, AddressMayStandOnStandardError) {
  const std::string program =
      WriteScript("loud", "trap 'exit 0' TERM; echo 'listens on 127.0.0.1:4712' >&2; while :; do sleep 0.01; done");
  auto server = ServerProcess::Start({.words = {program}, .ready = "listens on ", .ready_on_stderr = true});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->address(), "127.0.0.1:4712");
  EXPECT_TRUE((*server)->Stop().ok());
}

TEST(ServerProcess, AddressMayBeKnownBefore) {
  const std::string program =
      WriteScript("quiet", "trap 'exit 0' TERM; echo 'I am ready'; while :; do sleep 0.01; done");
  auto server = ServerProcess::Start({.words = {program}, .ready = "ready", .address = "127.0.0.1:4713"});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->address(), "127.0.0.1:4713");
  EXPECT_TRUE((*server)->Stop().ok());
}

TEST(ServerProcess, MayExitWithWhatIsExpectedAndNothingElse) {
  const std::string program = WriteScript("fails", "trap 'exit 3' TERM; echo ready x; while :; do sleep 0.01; done");
  ServerCommand command = {.words = {program}, .ready = "ready "};
  for (const auto& [statuses, fine] :
       {std::pair(std::vector<int>{0}, false), std::pair(std::vector<int>{1, 3}, true)}) {
    command.exit_statuses = statuses;
    auto server = ServerProcess::Start(command);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ((*server)->Stop().ok(), fine);
  }
}

TEST(ServerProcess, LogThatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(
      ServerProcess::Start({.words = {"true"}, .ready = "ready", .log = testing::TempDir() + "/nothing/log"}).ok());
}

TEST(ServerProcess, ServerThatEndsEarlyIsUnavailable) {
  const auto server = ServerProcess::Start({.words = {WriteScript("fails", "echo no; exit 3")}, .ready = "ready"});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ServerProcess, ProgramThatIsNotThereIsUnavailable) {
  const auto server = ServerProcess::Start({.words = {testing::TempDir() + "/nothing"}, .ready = "ready"});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
}

TEST(ServerProcess, ExitStatusOtherThanZeroIsAnError) {
  const std::string program =
      WriteScript("bad_end", "trap 'exit 7' TERM; echo 'server ready grpc=127.0.0.1:1'; while :; do sleep 0.01; done");
  auto server = ServerProcess::Start({.words = {program}, .ready = "server ready grpc="});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_FALSE((*server)->Stop().ok());
}

}  // namespace
}  // namespace nmq::bench
