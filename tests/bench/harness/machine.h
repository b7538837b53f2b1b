#ifndef NMQ_TESTS_BENCH_HARNESS_MACHINE_H_
#define NMQ_TESTS_BENCH_HARNESS_MACHINE_H_

#include <string>

namespace nmq::bench {

// Processor, cores, memory, kernel and present load of this machine, in one line.
std::string DescribeMachine();

// How this program was compiled.
std::string DescribeBuild();

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_MACHINE_H_
