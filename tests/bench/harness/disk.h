#ifndef NMQ_TESTS_BENCH_HARNESS_DISK_H_
#define NMQ_TESTS_BENCH_HARNESS_DISK_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"

namespace nmq::bench {

// How long the disk itself takes, in nanoseconds: appends `bytes` to a file of its own in the folder and calls
// fdatasync, one after the other, `times` times, or fewer when `patience` is over. Removes the file.
absl::StatusOr<Histogram> MeasureSyncs(const std::string& folder, size_t bytes, int times, absl::Duration patience);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_DISK_H_
