#include "tests/bench/redis/redis_system.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/bench/peers/logged_server.h"
#include "tests/bench/peers/socket.h"
#include "tests/bench/redis/redis_client.h"

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

absl::StatusOr<std::unique_ptr<ServerProcess>> StartServer(const std::string& log) {
  const int port = FreePort();
  if (port == 0) return absl::UnavailableError("no free port");
  return ServerProcess::Start(LoggedServer({"redis-server", "--bind", "127.0.0.1", "--port", absl::StrCat(port),
                                            "--save", "", "--appendonly", "no", "--maxclients", "15000"},
                                           "Ready to accept connections", absl::StrCat("127.0.0.1:", port), log));
}

}  // namespace

System RedisSystem(const std::string& log) {
  const auto start = [log]() -> absl::StatusOr<RunningSystem> {
    RaiseFileLimit();
    absl::StatusOr<std::unique_ptr<ServerProcess>> server = StartServer(log);
    for (int i = 1; i < kAttempts && !server.ok(); ++i) server = StartServer(log);
    if (!server.ok()) return server.status();
    RunningSystem system;
    system.client = MakeRedisClient((*server)->address());
    system.server = *std::move(server);
    return system;
  };
  return {.name = "redis", .start = start};
}

}  // namespace nmq::bench
