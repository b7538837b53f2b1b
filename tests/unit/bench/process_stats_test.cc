#include "tests/bench/harness/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <thread>

namespace nmq::bench {
namespace {

TEST(ProcessStats, CpuTimeIsUserAndSystemTime) {
  const auto cpu = ParseCpuTime("12 (nmqd) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 4 0 99", 100);
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  EXPECT_EQ(*cpu, absl::Seconds(3));
}

TEST(ProcessStats, ProgramNameMayHoldBlanksAndParentheses) {
  const auto cpu = ParseCpuTime("12 (a ) 1 2 (b) S 1 2 3 4 5 6 7 8 9 10 1 2 0 0\n", 100);
  ASSERT_TRUE(cpu.ok()) << cpu.status();
  EXPECT_EQ(*cpu, absl::Milliseconds(30));
}

TEST(ProcessStats, CpuTimeThatIsMissingIsAnError) {
  EXPECT_FALSE(ParseCpuTime("", 100).ok());
  EXPECT_FALSE(ParseCpuTime("12 (nmqd) S 1 2 3 4 5 6 7 8 9 10 250", 100).ok());
  EXPECT_FALSE(ParseCpuTime("12 (nmqd) S 1 2 3 4 5 6 7 8 9 10 x y 0", 100).ok());
}

TEST(ProcessStats, MemoryIsInBytes) {
  const char text[] = "Name:\tnmqd\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
  ASSERT_TRUE(ParseMemoryField(text, "VmRSS").ok());
  EXPECT_EQ(*ParseMemoryField(text, "VmRSS"), 1 << 20);
  EXPECT_EQ(*ParseMemoryField(text, "VmHWM"), 2 << 20);
  EXPECT_FALSE(ParseMemoryField(text, "VmSwap").ok());
  EXPECT_FALSE(ParseMemoryField(text, "Name").ok());
}

TEST(ProcessStats, ReadsThisProcess) {
  const auto stats = ReadProcessStats(getpid());
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_GT(stats->resident, 0);
  EXPECT_GE(stats->resident_peak, stats->resident);
  EXPECT_GE(stats->cpu, absl::ZeroDuration());
}

TEST(ProcessStats, UnknownProcessIsNotFound) {
  EXPECT_EQ(ReadProcessStats(std::numeric_limits<pid_t>::max()).status().code(), absl::StatusCode::kNotFound);
}

TEST(ThreadTimes, EveryThreadHasOne) {
  std::atomic<pid_t> other{0};
  std::atomic<bool> over{false};
  std::thread thread([&] {
    other.store(gettid());
    while (!over.load()) std::this_thread::yield();
  });
  while (other.load() == 0) std::this_thread::yield();
  const auto times = ReadThreadTimes(getpid());
  over.store(true);
  thread.join();
  ASSERT_TRUE(times.ok()) << times.status();
  EXPECT_EQ(times->count(gettid()), 1u);
  EXPECT_EQ(times->count(other.load()), 1u);
}

TEST(ThreadTimes, UnknownProcessIsNotFound) {
  EXPECT_EQ(ReadThreadTimes(std::numeric_limits<pid_t>::max()).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace nmq::bench
