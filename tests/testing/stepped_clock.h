// A time of day that a test sets, for its own process and for the programs that it starts.
#ifndef NMQ_TESTS_TESTING_STEPPED_CLOCK_H_
#define NMQ_TESTS_TESTING_STEPPED_CLOCK_H_

#include "absl/time/time.h"

namespace nmq {

// To be called at the beginning of main(): runs the program anew, under tests/testing/clock_shim.cc. Returns in that
// one.
void RunUnderSteppedClock(char** argv);

// From now on the time of day is so much later, or earlier, than it would be otherwise. The monotonic clock goes on.
// Thread-safe. Only after RunUnderSteppedClock.
void StepClock(absl::Duration step);

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_STEPPED_CLOCK_H_
