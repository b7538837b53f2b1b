#ifndef NMQ_TESTS_BENCH_HARNESS_PROCESS_STATS_H_
#define NMQ_TESTS_BENCH_HARNESS_PROCESS_STATS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace nmq::bench {

// What a process has used, and uses now.
struct ProcessStats {
  // User and system time of all threads since the start.
  absl::Duration cpu;
  // Resident memory (VmRSS) and the most it ever was (VmHWM), in bytes.
  int64_t resident = 0;
  int64_t resident_peak = 0;
};

// Reads /proc/PID/stat and /proc/PID/status. Answers NOT_FOUND if there is no such process.
absl::StatusOr<ProcessStats> ReadProcessStats(pid_t pid);

// User and system time of each thread, by its id. From /proc/PID/task; NOT_FOUND if there is no such process.
absl::StatusOr<std::map<pid_t, absl::Duration>> ReadThreadTimes(pid_t pid);

// The two halves of ReadProcessStats, on the text of these files. INVALID_ARGUMENT if something is missing.
absl::StatusOr<absl::Duration> ParseCpuTime(absl::string_view stat, int64_t ticks_per_second);
absl::StatusOr<int64_t> ParseMemoryField(absl::string_view status, absl::string_view field);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_PROCESS_STATS_H_
