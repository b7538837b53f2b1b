// Checks that a history keeps the promises of server/broker/GUARANTEES.md. Each checker has the name of its promise and
// returns what broke it, one line for each; nothing if it was kept. A promise that the history could not have broken
// (nothing was read, nothing was published) counts as broken where that makes the run void.
#ifndef NMQ_TESTS_TESTING_GUARANTEES_H_
#define NMQ_TESTS_TESTING_GUARANTEES_H_

#include <string>
#include <vector>

#include "tests/testing/history.h"

namespace nmq {

// How long after the last fault publishing must work again.
inline constexpr int64_t kLiveWithinUs = 10'000'000;

std::vector<std::string> Durable(const std::vector<Event>& events);
std::vector<std::string> Honest(const std::vector<Event>& events);
std::vector<std::string> Ordered(const std::vector<Event>& events);
std::vector<std::string> Unique(const std::vector<Event>& events);
std::vector<std::string> Reliable(const std::vector<Event>& events);
std::vector<std::string> Resumable(const std::vector<Event>& events);
std::vector<std::string> Isolated(const std::vector<Event>& events);
std::vector<std::string> Idempotent(const std::vector<Event>& events);
std::vector<std::string> Bounded(const std::vector<Event>& events);
std::vector<std::string> Live(const std::vector<Event>& events);

}  // namespace nmq

#endif  // NMQ_TESTS_TESTING_GUARANTEES_H_
