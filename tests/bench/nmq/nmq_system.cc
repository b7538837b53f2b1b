#include "tests/bench/nmq/nmq_system.h"

#include <memory>
#include <utility>

#include "tests/bench/nmq/library_client.h"
#include "tests/bench/nmq/raw_client.h"

namespace nmq::bench {
namespace {

ServerCommand NmqdCommand(const NmqSettings& settings) {
  ServerCommand command = {
      .words = {settings.nmqd, "--listen=127.0.0.1:0"}, .ready = "nmqd ready grpc=", .log = settings.log};
  command.words.insert(command.words.end(), settings.flags.begin(), settings.flags.end());
  return command;
}

template <typename MakeClient>
System SystemOf(const std::string& name, const ServerCommand& command, MakeClient make_client) {
  const auto start = [command, make_client]() -> absl::StatusOr<RunningSystem> {
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = ServerProcess::Start(command);
    if (!server.ok()) return server.status();
    std::unique_ptr<Client> client = make_client((*server)->address());
    return RunningSystem{*std::move(server), std::move(client)};
  };
  return {name, start};
}

}  // namespace

System NmqSystem(const NmqSettings& settings) {
  return SystemOf("nmq", NmqdCommand(settings), [channel = settings.channel](const std::string& address) {
    return MakeRawClient({address, channel});
  });
}

System NmqLibrarySystem(const NmqSettings& settings) {
  return SystemOf("nmq library", NmqdCommand(settings), MakeLibraryClient);
}

System FloorSystem(const ServerCommand& command) {
  return SystemOf("bare gRPC", command,
                  [](const std::string& address) { return MakeRawClient({.address = address, .numbers = false}); });
}

}  // namespace nmq::bench
