#include "tests/bench/redis/redis_system.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/harness/file_limit.h"
#include "tests/bench/peers/logged_server.h"
#include "tests/bench/redis/redis_client.h"
#include "tests/bench/redis/stream_client.h"

namespace nmq::bench {
namespace {

// Another process may take the port before the server does.
constexpr int kAttempts = 5;

// A port that nobody listens at; 0 if there is none. Redis cannot choose one by itself.
int FreePort() {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  sockaddr* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

absl::StatusOr<std::unique_ptr<ServerProcess>> StartAt(int port, const std::vector<std::string>& flags,
                                                       const std::string& log) {
  std::vector<std::string> words = {"redis-server", "--bind", "127.0.0.1",    "--port", absl::StrCat(port),
                                    "--save",       "",       "--maxclients", "15000"};
  words.insert(words.end(), flags.begin(), flags.end());
  return ServerProcess::Start(
      LoggedServer(words, "Ready to accept connections", absl::StrCat("127.0.0.1:", port), log));
}

absl::StatusOr<std::unique_ptr<ServerProcess>> StartServer(const std::vector<std::string>& flags,
                                                           const std::string& log) {
  RaiseFileLimit();
  absl::StatusOr<std::unique_ptr<ServerProcess>> server = absl::UnavailableError("no free port");
  for (int i = 0; i < kAttempts && !server.ok(); ++i) {
    const int port = FreePort();
    if (port != 0) server = StartAt(port, flags, log);
  }
  return server;
}

}  // namespace

System RedisSystem(const std::string& log) {
  const auto start = [log]() -> absl::StatusOr<RunningSystem> {
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = StartServer({"--appendonly", "no"}, log);
    if (!server.ok()) return server.status();
    std::unique_ptr<Client> client = MakeRedisClient((*server)->address());
    return RunningSystem{*std::move(server), std::move(client)};
  };
  const auto start_storing = [log](const std::string& folder) -> absl::StatusOr<RunningSystem> {
    absl::StatusOr<std::unique_ptr<ServerProcess>> server =
        StartServer({"--dir", folder, "--appendonly", "yes", "--appendfsync", "always"}, log);
    if (!server.ok()) return server.status();
    std::unique_ptr<Client> client = MakeRedisStreamClient((*server)->address());
    return RunningSystem{*std::move(server), std::move(client)};
  };
  return {.name = "redis", .start = start, .start_storing = start_storing};
}

}  // namespace nmq::bench
