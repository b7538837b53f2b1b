#include "tests/bench/nats/nats_system.h"

#include <utility>

#include "tests/bench/nats/nats_client.h"
#include "tests/bench/peers/logged_server.h"

namespace nmq::bench {

System NatsSystem(const std::string& log) {
  const auto start = [log]() -> absl::StatusOr<RunningSystem> {
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = ServerProcess::Start(
        LoggedServer({"nats-server", "-a", "127.0.0.1", "-p", "-1"}, "Listening for client connections on ", "", log));
    if (!server.ok()) return server.status();
    RunningSystem system;
    system.client = MakeNatsClient((*server)->address());
    system.server = *std::move(server);
    return system;
  };
  return {.name = "nats", .start = start};
}

}  // namespace nmq::bench
