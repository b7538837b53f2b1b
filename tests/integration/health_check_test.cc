// nmqd --health_check, as container engines run it.
#include "server/health_check.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

std::string ListenFlag(const std::string& address) { return absl::StrCat("--listen=", address); }

// Where something listens that never says a word.
class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentPort() { close(fd_); }
  const std::string& address() const { return address_; }

 private:
  const int fd_;
  std::string address_;
};

TEST(HealthCheck, AServerThatServesIsHealthy) {
  Nmqd nmqd;
  const Outcome check({"--health_check", ListenFlag(nmqd.address())});
  EXPECT_EQ(check.exit_code, 0);
  EXPECT_EQ(check.output, absl::StrCat("nmqd at ", nmqd.address(), " serves\n"));
  EXPECT_EQ(check.errors, "");
}

TEST(HealthCheck, TakesTheServersEnvironment) {
  Nmqd nmqd;
  // A configuration that cannot be read is the server's trouble.
  const Outcome check({"--health_check"}, {absl::StrCat("NMQ_LISTEN=", nmqd.address()), "NMQ_CONFIG=/nothing"});
  EXPECT_EQ(check.exit_code, 0) << check.errors;
}

TEST(HealthCheck, AsksNoProxy) {
  Nmqd nmqd;
  const Outcome check({"--health_check", ListenFlag(nmqd.address())},
                      {"http_proxy=http://127.0.0.1:1", "no_proxy=", "no_grpc_proxy="});
  EXPECT_EQ(check.exit_code, 0) << check.errors;
}

TEST(HealthCheck, AServerOnEveryAddressIsAskedOnThisMachine) {
  for (const char* any : {"0.0.0.0", "[::]"}) {
    TestServer server(TestServer::Options{.listen = absl::StrCat(any, ":0")});
    EXPECT_EQ(CheckHealth(absl::StrCat(any, ":", server.port()), "", {}, kPatience), absl::OkStatus()) << any;
  }
}

TEST(HealthCheck, WhereNothingListensIsUnhealthy) {
  std::string address;
  {
    const SilentPort port;
    address = port.address();
  }
  const Outcome check({"--health_check", ListenFlag(address)});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_EQ(check.output, "");
  EXPECT_THAT(check.errors, MatchesRegex("nmqd: [^\n]* does not tell its health: [^\n]*Connection refused\n"));
}

TEST(HealthCheck, AServerThatSaysNothingIsUnhealthyWhenPatienceEnds) {
  const SilentPort port;
  const absl::Status status = CheckHealth(port.address(), "", {}, absl::Milliseconds(200));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not tell its health"));
}

TEST(HealthCheck, AServerThatDrainsIsUnhealthy) {
  TestServer server;
  Api api(server);
  auto listener = TestClient(&api).Subscribe("DB");
  std::thread stopping([&server] { server.Stop(absl::Seconds(20)); });
  std::string said;
  EXPECT_TRUE(WaitUntil([&] {
    said = std::string(CheckHealth(server.address(), "", {}, kPatience).message());
    return !said.empty();
  }));
  EXPECT_EQ(said, absl::StrCat(server.address(), " says NOT_SERVING"));
  EXPECT_EQ(CheckHealth(server.address(), "liveness", {}, kPatience), absl::OkStatus());
  listener->Cancel();
  stopping.join();
}

TEST(HealthCheck, AServiceThatThereIsNotIsUnhealthy) {
  Nmqd nmqd;
  const Outcome check({"--health_check", "--health_check_service=life", ListenFlag(nmqd.address())});
  EXPECT_EQ(check.exit_code, 1);
  EXPECT_THAT(check.errors,
              MatchesRegex("nmqd: [^\n]* does not know the service \"life\"; name [^\n]*liveness[^\n]*\n"));
}

TEST(HealthCheck, AddressesThatCannotBeAskedAreRefused) {
  for (const char* listen : {"localhost", "127.0.0.1:many", "127.0.0.1:0", ":0", ""}) {
    const Outcome check({"--health_check", ListenFlag(listen)});
    EXPECT_EQ(check.exit_code, 1) << listen;
    EXPECT_THAT(check.errors, MatchesRegex("nmqd: listen: [^\n]*\n"));
  }
}

}  // namespace
}  // namespace nmq::integration
