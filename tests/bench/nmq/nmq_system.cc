#include "tests/bench/nmq/nmq_system.h"

#include <fstream>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "tests/bench/nmq/library_client.h"
#include "tests/bench/nmq/raw_client.h"

namespace nmq::bench {
namespace {

// What was stored may have to be read before a server is ready.
constexpr absl::Duration kRecoveryPatience = absl::Minutes(5);

ServerCommand NmqdCommand(const NmqSettings& settings) {
  ServerCommand command = {
      .words = {settings.nmqd, "--listen=127.0.0.1:0"}, .ready = "nmqd ready grpc=", .log = settings.log};
  command.words.insert(command.words.end(), settings.flags.begin(), settings.flags.end());
  return command;
}

// With a durable queue, and everything in the folder.
absl::StatusOr<ServerCommand> StoringCommand(const NmqSettings& settings, const std::string& folder) {
  const std::string config = absl::StrCat(folder, "/nmqd.textproto");
  std::ofstream file(config);
  file << absl::StrFormat(R"(namespace { name: "default" queue { name: "%s" durability: DURABILITY_DURABLE } })",
                          kStoredQueue);
  file.close();
  if (!file) return absl::InternalError(absl::StrCat("cannot write ", config));
  ServerCommand command = NmqdCommand(settings);
  command.words.push_back(absl::StrCat("--config=", config));
  command.words.push_back(absl::StrCat("--data_dir=", folder, "/data"));
  command.start_patience = kRecoveryPatience;
  return command;
}

using MakeClient = std::function<std::unique_ptr<Client>(const std::string& address)>;

absl::StatusOr<RunningSystem> StartSystem(const ServerCommand& command, const MakeClient& make_client) {
  absl::StatusOr<std::unique_ptr<ServerProcess>> server = ServerProcess::Start(command);
  if (!server.ok()) return server.status();
  std::unique_ptr<Client> client = make_client((*server)->address());
  return RunningSystem{*std::move(server), std::move(client)};
}

System SystemOf(const std::string& name, const ServerCommand& command, const MakeClient& make_client) {
  return {.name = name, .start = [command, make_client] { return StartSystem(command, make_client); }};
}

}  // namespace

System NmqSystem(const NmqSettings& settings) {
  const MakeClient make_client = [channel = settings.channel](const std::string& address) {
    return MakeRawClient({address, channel});
  };
  System system = SystemOf("nmq", NmqdCommand(settings), make_client);
  system.start_storing = [settings, make_client](const std::string& folder) -> absl::StatusOr<RunningSystem> {
    const absl::StatusOr<ServerCommand> command = StoringCommand(settings, folder);
    if (!command.ok()) return command.status();
    return StartSystem(*command, make_client);
  };
  return system;
}

System NmqLibrarySystem(const NmqSettings& settings) {
  return SystemOf("nmq library", NmqdCommand(settings), MakeLibraryClient);
}

System FloorSystem(const ServerCommand& command) {
  return SystemOf("bare gRPC", command,
                  [](const std::string& address) { return MakeRawClient({.address = address, .numbers = false}); });
}

}  // namespace nmq::bench
