#include "tests/bench/nats/nats_system.h"

#include <utility>

#include "tests/bench/nats/nats_client.h"
#include "tests/bench/peers/logged_server.h"

namespace nmq::bench {
namespace {

// What this version exits with after SIGTERM.
constexpr int kExitStatus = 1;

System MakeSystem(const std::string& name, const std::string& log, NatsReading reading) {
  const auto start = [log, reading]() -> absl::StatusOr<RunningSystem> {
    ServerCommand command =
        LoggedServer({"nats-server", "-a", "127.0.0.1", "-p", "-1"}, "Listening for client connections on ", "", log);
    command.exit_status = kExitStatus;
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = ServerProcess::Start(command);
    if (!server.ok()) return server.status();
    RunningSystem system;
    system.client = MakeNatsClient((*server)->address(), reading);
    system.server = *std::move(server);
    return system;
  };
  return {.name = name, .start = start};
}

}  // namespace

System NatsSystem(const std::string& log) { return MakeSystem("nats", log, NatsReading::kLibrary); }

System RawNatsSystem(const std::string& log) { return MakeSystem("nats bare reader", log, NatsReading::kRaw); }

}  // namespace nmq::bench
