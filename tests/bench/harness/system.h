#ifndef NMQ_TESTS_BENCH_HARNESS_SYSTEM_H_
#define NMQ_TESTS_BENCH_HARNESS_SYSTEM_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/server_process.h"

namespace nmq::bench {

// A server of its own for one measurement, and a client of it. The client goes first.
struct RunningSystem {
  std::unique_ptr<ServerProcess> server;
  std::unique_ptr<Client> client;
};

// The queue that a system which stores messages keeps on disk; all others are live.
inline constexpr char kStoredQueue[] = "stored";

// Something to be measured.
struct System {
  std::string name;
  // Null if it is only for what is stored.
  std::function<absl::StatusOr<RunningSystem>()> start;
  // The same with kStoredQueue, in a folder, or what is there of a server that ran before; null if it stores nothing.
  std::function<absl::StatusOr<RunningSystem>(const std::string& folder)> start_storing = nullptr;
  // It is nmqd with its cheapest client: what is only of nmq is measured with it.
  bool is_nmq = false;
  // A variation of another one, which is measured only when it is asked for by its name.
  bool on_request = false;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_HARNESS_SYSTEM_H_
