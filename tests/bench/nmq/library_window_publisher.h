#ifndef NMQ_TESTS_BENCH_NMQ_LIBRARY_WINDOW_PUBLISHER_H_
#define NMQ_TESTS_BENCH_NMQ_LIBRARY_WINDOW_PUBLISHER_H_

#include <memory>

#include "client/cpp/client.h"
#include "tests/bench/harness/client.h"

namespace nmq::bench {

// Hands the library's publisher one message after the other while fewer than `spec.window` of them wait for their
// answer. How they travel, alone or together, is the library's affair.
std::unique_ptr<Publisher> PublishInWindow(std::unique_ptr<nmq::Client> client, const PublisherSpec& spec);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_LIBRARY_WINDOW_PUBLISHER_H_
