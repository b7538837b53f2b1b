#include "tests/bench/nmq/nmq_system.h"

#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/bench/nmq/library_client.h"
#include "tests/bench/nmq/raw_client.h"

namespace nmq::bench {
namespace {

// What was stored may have to be read before a server is ready.
constexpr absl::Duration kRecoveryPatience = absl::Minutes(5);
// What names of systems whose subscribers do without gRPC's client end with.
constexpr char kBareReader[] = " bare reader";

ServerCommand NmqdCommand(const NmqSettings& settings) {
  ServerCommand command = {
      .words = {settings.nmqd, "--listen=127.0.0.1:0"}, .ready = "nmqd ready grpc=", .log = settings.log};
  if (!settings.transport.empty()) command.words.push_back(absl::StrCat("--transport=", settings.transport));
  if (settings.threads != 0) command.words.push_back(absl::StrCat("--threads=", settings.threads));
  if (!settings.tls.empty()) {
    command.words.push_back(absl::StrCat("--tls_certificate=", settings.tls, "/server.pem"));
    command.words.push_back(absl::StrCat("--tls_key=", settings.tls, "/server.key"));
  }
  command.words.insert(command.words.end(), settings.flags.begin(), settings.flags.end());
  return command;
}

// "nmq", or another nmqd's name; `kind` names the client or the durability.
std::string NameOf(const NmqSettings& settings, absl::string_view kind) {
  return absl::StrCat("nmq", settings.transport.empty() ? "" : "-", settings.transport,
                      settings.tls.empty() ? "" : " TLS", kind,
                      settings.threads == 0 ? "" : absl::StrCat("/", settings.threads));
}

// With a queue on disk, and everything in the folder.
absl::StatusOr<ServerCommand> StoringCommand(const NmqSettings& settings, absl::string_view durability,
                                             const std::string& folder) {
  const std::string config = absl::StrCat(folder, "/nmqd.textproto");
  std::ofstream file(config);
  file << absl::StrFormat(R"(namespace { name: "default" queue { name: "%s" durability: %s } })", kStoredQueue,
                          durability);
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

MakeClient RawClients(const NmqSettings& settings, Reading reading = Reading::kGrpc) {
  const std::string ca = settings.tls.empty() ? "" : settings.tls + "/ca.pem";
  return [channel = settings.channel, ca, reading](const std::string& address) {
    return MakeRawClient({.address = address, .settings = channel, .tls_ca = ca}, reading);
  };
}

MakeClient FloorClients(Reading reading) {
  return [reading](const std::string& address) {
    return MakeRawClient({.address = address, .numbers = false, .patterns = false}, reading);
  };
}

std::function<absl::StatusOr<RunningSystem>(const std::string&)> Storing(const NmqSettings& settings,
                                                                         absl::string_view durability,
                                                                         const MakeClient& make_client) {
  return [settings, durability = std::string(durability),
          make_client](const std::string& folder) -> absl::StatusOr<RunningSystem> {
    const absl::StatusOr<ServerCommand> command = StoringCommand(settings, durability, folder);
    if (!command.ok()) return command.status();
    return StartSystem(*command, make_client);
  };
}

}  // namespace

System NmqSystem(const NmqSettings& settings) {
  const MakeClient make_client = RawClients(settings);
  System system = SystemOf(NameOf(settings, ""), NmqdCommand(settings), make_client);
  system.start_storing = Storing(settings, "DURABILITY_DURABLE", make_client);
  system.is_nmq = true;
  return system;
}

System BareNmqSystem(const NmqSettings& settings) {
  return SystemOf(NameOf(settings, kBareReader), NmqdCommand(settings), RawClients(settings, Reading::kBare));
}

System NmqBufferedSystem(const NmqSettings& settings) {
  return {.name = NameOf(settings, " buffered"),
          .start = nullptr,
          .start_storing = Storing(settings, "DURABILITY_BUFFERED", RawClients(settings))};
}

System NmqLibrarySystem(const NmqSettings& settings) {
  System system = SystemOf(NameOf(settings, " library"), NmqdCommand(settings), MakeLibraryClient);
  system.start_storing = Storing(settings, "DURABILITY_DURABLE", MakeLibraryClient);
  return system;
}

System FloorSystem(const std::string& name, const ServerCommand& command) {
  return SystemOf(name, command, FloorClients(Reading::kGrpc));
}

System BareFloorSystem(const std::string& name, const ServerCommand& command) {
  return SystemOf(absl::StrCat(name, kBareReader), command, FloorClients(Reading::kBare));
}

}  // namespace nmq::bench
