#include "tests/bench/harness/process_stats.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace nmq::bench {
namespace {

absl::StatusOr<std::string> ReadProcFile(pid_t pid, absl::string_view name) {
  const std::string path = absl::StrCat("/proc/", pid, "/", name);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return text.str();
}

}  // namespace

absl::StatusOr<absl::Duration> ParseCpuTime(absl::string_view stat, int64_t ticks_per_second) {
  // The second field is the program's name in parentheses, which may hold blanks and parentheses itself.
  const size_t name_end = stat.rfind(')');
  if (name_end == absl::string_view::npos) return absl::InvalidArgumentError("no program name");
  // From the third field on; utime and stime are the fields 14 and 15.
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(name_end + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t user, system;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) || !absl::SimpleAtoi(fields[12], &system)) {
    return absl::InvalidArgumentError("no utime and stime");
  }
  return absl::Seconds(user + system) / ticks_per_second;
}

absl::StatusOr<int64_t> ParseMemoryField(absl::string_view status, absl::string_view field) {
  for (absl::string_view line : absl::StrSplit(status, '\n')) {
    if (!absl::ConsumePrefix(&line, field) || !absl::ConsumePrefix(&line, ":")) continue;
    int64_t kilobytes;
    if (!absl::ConsumeSuffix(&line, "kB") || !absl::SimpleAtoi(line, &kilobytes)) break;
    return kilobytes * 1024;
  }
  return absl::InvalidArgumentError(absl::StrCat("no ", field));
}

absl::StatusOr<ProcessStats> ReadProcessStats(pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadProcFile(pid, "stat");
  if (!stat.ok()) return stat.status();
  const absl::StatusOr<std::string> status = ReadProcFile(pid, "status");
  if (!status.ok()) return status.status();
  const absl::StatusOr<absl::Duration> cpu = ParseCpuTime(*stat, sysconf(_SC_CLK_TCK));
  if (!cpu.ok()) return cpu.status();
  const absl::StatusOr<int64_t> resident = ParseMemoryField(*status, "VmRSS");
  if (!resident.ok()) return resident.status();
  const absl::StatusOr<int64_t> peak = ParseMemoryField(*status, "VmHWM");
  if (!peak.ok()) return peak.status();
  return ProcessStats{*cpu, *resident, *peak};
}

absl::StatusOr<std::map<pid_t, absl::Duration>> ReadThreadTimes(pid_t pid) {
  std::error_code error;
  std::filesystem::directory_iterator task(absl::StrCat("/proc/", pid, "/task"), error);
  std::map<pid_t, absl::Duration> times;
  for (; !error && task != std::filesystem::directory_iterator(); task.increment(error)) {
    const std::string name = task->path().filename().string();
    pid_t thread;
    if (!absl::SimpleAtoi(name, &thread)) continue;
    const absl::StatusOr<std::string> stat = ReadProcFile(pid, absl::StrCat("task/", name, "/stat"));
    // It may have ended.
    if (!stat.ok()) continue;
    const absl::StatusOr<absl::Duration> cpu = ParseCpuTime(*stat, sysconf(_SC_CLK_TCK));
    if (!cpu.ok()) return cpu.status();
    times[thread] = *cpu;
  }
  if (error || times.empty()) return absl::NotFoundError(absl::StrCat("cannot read the threads of process ", pid));
  return times;
}

}  // namespace nmq::bench
