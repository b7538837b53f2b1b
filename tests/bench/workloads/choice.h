#ifndef NMQ_TESTS_BENCH_WORKLOADS_CHOICE_H_
#define NMQ_TESTS_BENCH_WORKLOADS_CHOICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/workloads/cases.h"

namespace nmq::bench {

// Those of these names, in their order; without names, all that are not only on request. INVALID_ARGUMENT if there is
// no system of a name.
absl::StatusOr<std::vector<System>> ChooseSystems(const std::vector<System>& all,
                                                  const std::vector<std::string>& names);

// The numbers of threads that names of systems end with: "nmq-http2/2". Each once, in their order.
std::vector<int> ThreadsIn(const std::vector<std::string>& names);

// Those of these names; a name that is no case's own stands for all below it (W1, W1/10). Without names, all.
// INVALID_ARGUMENT if there is nothing of a name.
absl::StatusOr<std::vector<Case>> ChooseCases(const std::vector<Case>& all, const std::vector<std::string>& names);

// RESOURCE_EXHAUSTED if a case has more connections than a process may have with so many open files.
absl::Status CheckFileLimit(const std::vector<Case>& cases, uint64_t files);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_WORKLOADS_CHOICE_H_
