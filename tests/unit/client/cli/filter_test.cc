#include "client/cli/filter.h"

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
  EXPECT_EQ(*RunFilter("tr a-z A-Z", "some text", kMax, kPatience), "SOME TEXT");
  EXPECT_EQ(*RunFilter("wc -c | tr -d ' '", "12345", kMax, kPatience), "5\n");
  EXPECT_EQ(*RunFilter("cat", "", kMax, kPatience), "");
}

TEST_F(FilterTest, InputAndOutputMayBeLargerThanAPipe) {
  const std::string input(3 << 20, '\xff');
  EXPECT_EQ(*RunFilter("cat", input, kMax, kPatience), input);
}

TEST_F(FilterTest, CommandNeedNotReadItsInput) {
  EXPECT_EQ(*RunFilter("echo done", std::string(1 << 20, 'x'), kMax, kPatience), "done\n");
}

TEST_F(FilterTest, CommandThatFailsIsAborted) {
  const absl::Status status = RunFilter("echo some; exit 3", "", kMax, kPatience).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_EQ(status.message(), "the command failed with exit code 3");
  EXPECT_EQ(RunFilter("/no/such/command 2>&-", "", kMax, kPatience).status().message(),
            "the command failed with exit code 127");
  EXPECT_EQ(RunFilter("kill -9 $$", "", kMax, kPatience).status().message(), "the command died of signal 9");
}

TEST_F(FilterTest, OutputIsBounded) {
  EXPECT_EQ(RunFilter("printf 12345", "", 5, kPatience)->size(), 5u);
  const absl::Status status = RunFilter("printf 123456", "", 5, kPatience).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(absl::IsResourceExhausted(RunFilter("cat /dev/zero", "", 1000, kPatience).status()));
}

TEST_F(FilterTest, CommandThatTakesTooLongIsKilledWithWhatItStarted) {
  for (const char* command : {"sleep 1000", "sleep 1000 | sleep 1000", "exec >&-; sleep 1000", "sleep 1000 & wait"}) {
    const absl::Time start = absl::Now();
    const absl::Status status = RunFilter(command, "", kMax, absl::Milliseconds(50)).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << command << ": " << status;
    EXPECT_LT(absl::Now() - start, kPatience);
  }
}

TEST_F(FilterTest, CommandHasTheUsualSignals) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  EXPECT_EQ(RunFilter("kill -15 $$; echo survived", "", kMax, kPatience).status().message(),
            "the command died of signal 15");
  EXPECT_EQ(RunFilter("kill -13 $$; echo survived", "", kMax, kPatience).status().message(),
            "the command died of signal 13");
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

}  // namespace
}  // namespace cli
}  // namespace nmq
