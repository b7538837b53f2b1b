#ifndef NMQ_TESTS_BENCH_NMQ_LIBRARY_CLIENT_H_
#define NMQ_TESTS_BENCH_NMQ_LIBRARY_CLIENT_H_

#include <memory>
#include <string>

#include "tests/bench/harness/client.h"

namespace nmq::bench {

// What programs use: //client/cpp. Each connection is one of its clients, whose subscriptions have a thread each.
std::unique_ptr<Client> MakeLibraryClient(const std::string& address);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_LIBRARY_CLIENT_H_
