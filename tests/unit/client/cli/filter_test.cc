#include "client/cli/filter.h"

#include <atomic>
#include <csignal>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace nmq {
namespace cli {
namespace {

constexpr size_t kMax = 4 << 20;
constexpr absl::Duration kPatience = absl::Seconds(30);

class FilterTest : public ::testing::Test {
 protected:
  FilterTest() { std::signal(SIGPIPE, SIG_IGN); }
};

TEST_F(FilterTest, GivesWhatTheCommandMakesOfTheInput) {
  EXPECT_EQ(*RunFilter("tr a-z A-Z", "some text", {.output_max = kMax, .timeout = kPatience}), "SOME TEXT");
  EXPECT_EQ(*RunFilter("wc -c | tr -d ' '", "12345", {.output_max = kMax, .timeout = kPatience}), "5\n");
  EXPECT_EQ(*RunFilter("cat", "", {.output_max = kMax, .timeout = kPatience}), "");
}

TEST_F(FilterTest, InputAndOutputMayBeLargerThanAPipe) {
  const std::string input(3 << 20, '\xff');
  EXPECT_EQ(*RunFilter("cat", input, {.output_max = kMax, .timeout = kPatience}), input);
}

TEST_F(FilterTest, CommandNeedNotReadItsInput) {
  EXPECT_EQ(*RunFilter("echo done", std::string(1 << 20, 'x'), {.output_max = kMax, .timeout = kPatience}), "done\n");
}

TEST_F(FilterTest, CommandThatFailsIsAborted) {
  const absl::Status status = RunFilter("echo some; exit 3", "", {.output_max = kMax, .timeout = kPatience}).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(status.message(), "the command failed with exit code 3");
  EXPECT_EQ(RunFilter("/no/such/command 2>&-", "", {.output_max = kMax, .timeout = kPatience}).status().message(),
            "the command failed with exit code 127");
  EXPECT_EQ(RunFilter("kill -9 $$", "", {.output_max = kMax, .timeout = kPatience}).status().message(),
            "the command died of signal 9");
}

TEST_F(FilterTest, WhatACommandThatFailsHadWrittenIsKept) {
  std::string output;
  const FilterOptions options = {.output_max = kMax, .timeout = kPatience, .output_of_failed = &output};
  EXPECT_FALSE(RunFilter("echo some; exit 3", "", options).ok());
  EXPECT_EQ(output, "some\n");
}

TEST_F(FilterTest, OutputIsBounded) {
  EXPECT_EQ(RunFilter("printf 12345", "", {.output_max = 5, .timeout = kPatience})->size(), 5u);
  const absl::Status status = RunFilter("printf 123456", "", {.output_max = 5, .timeout = kPatience}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(
      absl::IsResourceExhausted(RunFilter("cat /dev/zero", "", {.output_max = 1000, .timeout = kPatience}).status()));
}

TEST_F(FilterTest, CommandThatTakesTooLongIsKilledWithWhatItStarted) {
  for (const char* command : {"sleep 1000", "sleep 1000 | sleep 1000", "exec >&-; sleep 1000", "sleep 1000 & wait"}) {
    const absl::Time start = absl::Now();
    const absl::Status status =
        RunFilter(command, "", {.output_max = kMax, .timeout = absl::Milliseconds(50)}).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << command << ": " << status;
    EXPECT_LT(absl::Now() - start, kPatience);
  }
}

TEST_F(FilterTest, CommandHasTheVariablesThatItIsGiven) {
  EXPECT_EQ(*RunFilter("echo $NMQ_QUEUE $NMQ_EVENT", "",
                       {.output_max = kMax, .timeout = kPatience, .environment = {"NMQ_QUEUE=DB", "NMQ_EVENT=CREATE"}}),
            "DB CREATE\n");
}

TEST_F(FilterTest, CommandThatIsCancelledEndsSoon) {
  const std::atomic<bool> cancelled = true;
  const absl::Time start = absl::Now();
  const absl::Status status = RunFilter("sleep 1000", "", {.output_max = kMax, .cancelled = &cancelled}).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_LT(absl::Now() - start, kPatience);
}

TEST_F(FilterTest, CommandHasTheUsualSignals) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  EXPECT_EQ(RunFilter("kill -15 $$; echo survived", "", {.output_max = kMax, .timeout = kPatience}).status().message(),
            "the command died of signal 15");
  EXPECT_EQ(RunFilter("kill -13 $$; echo survived", "", {.output_max = kMax, .timeout = kPatience}).status().message(),
            "the command died of signal 13");
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

}  // namespace
}  // namespace cli
}  // namespace nmq
