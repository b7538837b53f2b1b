#ifndef NMQ_TESTS_BENCH_PEERS_LOGGED_SERVER_H_
#define NMQ_TESTS_BENCH_PEERS_LOGGED_SERVER_H_

#include <string>
#include <vector>

#include "tests/bench/harness/server_process.h"

namespace nmq::bench {

// A server that writes its log to standard output or error, for as long as it runs. All of it is appended to the file
// `log`: nobody would read it from a pipe. `ready` and `address` are ServerCommand's.
ServerCommand LoggedServer(const std::vector<std::string>& words, const std::string& ready, const std::string& address,
                           const std::string& log);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_PEERS_LOGGED_SERVER_H_
