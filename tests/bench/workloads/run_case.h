#ifndef NMQ_TESTS_BENCH_WORKLOADS_RUN_CASE_H_
#define NMQ_TESTS_BENCH_WORKLOADS_RUN_CASE_H_

#include <string>

#include "absl/status/status.h"
#include "tests/bench/harness/report.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {

// Starts the system, runs the case on it, and ends it. What it stores is in a folder of its own in the folder `disk`,
// which is removed. UNIMPLEMENTED if the system cannot do it.
absl::Status RunCase(const System& system, const Case& one, const Extent& extent, const std::string& disk,
                     Report* report);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_WORKLOADS_RUN_CASE_H_
