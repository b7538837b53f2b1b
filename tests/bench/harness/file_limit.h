#ifndef NMQ_TESTS_BENCH_HARNESS_FILE_LIMIT_H_
#define NMQ_TESTS_BENCH_HARNESS_FILE_LIMIT_H_

#include <cstdint>

namespace nmq::bench {

// Lets this process and those that it starts open as many files as the system allows, and says how many that are.
uint64_t RaiseFileLimit();

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_FILE_LIMIT_H_
