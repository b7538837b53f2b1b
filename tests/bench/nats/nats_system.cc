#include "tests/bench/nats/nats_system.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bench/nats/jetstream.h"
#include "tests/bench/nats/jetstream_client.h"
#include "tests/bench/nats/nats_client.h"
#include "tests/bench/nats/nats_connection.h"
#include "tests/bench/peers/logged_server.h"

namespace nmq::bench {
namespace {

absl::StatusOr<std::unique_ptr<ServerProcess>> StartServer(const std::vector<std::string>& flags,
                                                           const std::string& log) {
  std::vector<std::string> words = {"nats-server", "-a", "127.0.0.1", "-p", "-1"};
  words.insert(words.end(), flags.begin(), flags.end());
  ServerCommand command = LoggedServer(words, "Listening for client connections on ", "", log);
  // This version's main() may return before what handles SIGTERM exits with 1.
  command.exit_statuses = {0, 1};
  return ServerProcess::Start(command);
}

System MakeSystem(const std::string& name, const std::string& log, NatsReading reading, const std::string& tls = "") {
  const auto start = [log, reading, tls]() -> absl::StatusOr<RunningSystem> {
    std::vector<std::string> flags;
    if (!tls.empty()) flags = {"--tls", "--tlscert=" + tls + "/server.pem", "--tlskey=" + tls + "/server.key"};
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = StartServer(flags, log);
    if (!server.ok()) return server.status();
    const std::string scheme = tls.empty() ? "" : kTlsScheme;
    std::unique_ptr<Client> client = MakeNatsClient(scheme + (*server)->address(), reading);
    return RunningSystem{*std::move(server), std::move(client)};
  };
  return {.name = name, .start = start};
}

absl::StatusOr<RunningSystem> StartJetStream(const std::string& folder, const std::string& log) {
  absl::StatusOr<std::unique_ptr<ServerProcess>> server = StartServer({"-js", "-sd", folder}, log);
  if (!server.ok()) return server.status();
  if (absl::Status status = MakeStream((*server)->address(), kStoredQueue); !status.ok()) return status;
  std::unique_ptr<Client> client = MakeJetStreamClient((*server)->address());
  return RunningSystem{*std::move(server), std::move(client)};
}

}  // namespace

System NatsSystem(const std::string& log) {
  System system = MakeSystem("nats", log, NatsReading::kLibrary);
  system.start_storing = [log](const std::string& folder) { return StartJetStream(folder, log); };
  return system;
}

System TlsNatsSystem(const std::string& log, const std::string& tls) {
  return MakeSystem("nats TLS", log, NatsReading::kLibrary, tls);
}

System RawNatsSystem(const std::string& log) { return MakeSystem("nats bare reader", log, NatsReading::kRaw); }

}  // namespace nmq::bench
