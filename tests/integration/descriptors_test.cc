// nmqd with few file descriptors: what connections may take of them, and what they leave.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"
#include "tests/testing/process.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kPrlimit[] = "/usr/bin/prlimit";

// nmqd with the durable queue "D", that may have so many descriptors.
class Limited {
 public:
  explicit Limited(const std::string& limit)
      : directory_(absl::StrCat(testing::TempDir(), "/descriptors.", getpid())),
        process_(kPrlimit, Arguments(limit, directory_)) {
    const std::string line = process_.ReadLine(kPatience).value_or("");
    EXPECT_THAT(line, StartsWith("nmqd ready grpc=")) << process_.errors();
    if (!absl::StartsWith(line, "nmqd ready grpc=")) return;
    address_ = line.substr(sizeof("nmqd ready grpc=") - 1);
    address_ = address_.substr(0, address_.find(' '));
  }
  ~Limited() { std::filesystem::remove_all(directory_); }

  const std::string& address() const { return address_; }
  Process& process() { return process_; }
  size_t Used() const {
    size_t used = 0;
    for (const auto& entry : std::filesystem::directory_iterator(absl::StrCat("/proc/", process_.pid(), "/fd"))) {
      used += entry.path().empty() ? 0 : 1;
    }
    return used;
  }

 private:
  static std::vector<std::string> Arguments(const std::string& limit, const std::string& directory) {
    std::filesystem::remove_all(directory);
    std::vector<std::string> arguments = {absl::StrCat("--nofile=", limit), kNmqdPath, "--listen=127.0.0.1:0",
                                          "--core_dumps", absl::StrCat("--data_dir=", directory)};
    for (std::string& flag : Nmqd::WithConfig(R"(
             namespace { name: "default" queue { name: "D" durability: DURABILITY_DURABLE } })")) {
      arguments.push_back(std::move(flag));
    }
    return arguments;
  }

  const std::string directory_;
  Process process_;
  std::string address_;
};

// A connection that says nothing.
class Connection {
 public:
  explicit Connection(const std::string& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    uint32_t port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0) << strerror(errno);
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whether the server has closed it, and never said anything either.
  bool IsClosed() const {
    char byte;
    const ssize_t got = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }

 private:
  const int fd_;
};

TEST(Descriptors, SoftLimitIsRaisedToTheHardOne) {
  Limited nmqd("100:300");
  rlimit limit;
  ASSERT_EQ(prlimit(nmqd.process().pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 300u);
  EXPECT_EQ(limit.rlim_max, 300u);
}

TEST(Descriptors, ConnectionsLeaveTheStoreItsOwnAndComeInAgainWhenOthersAreGone) {
  Limited nmqd("200:200");
  auto api = std::make_unique<Api>(nmqd.address());
  const TestClient client(api.get());
  client.Publish("D", "E", "first");
  {
    std::vector<std::unique_ptr<Connection>> others;
    for (int i = 0; i < 250; ++i) others.push_back(std::make_unique<Connection>(nmqd.address()));
    // Those that are too many are not left waiting.
    EXPECT_TRUE(WaitUntil([&] { return others.back()->IsClosed(); }));
    EXPECT_FALSE(others.front()->IsClosed());
    EXPECT_LE(nmqd.Used(), 140u);
    // Logs, tables and what else the store opens meanwhile.
    for (int i = 0; i < 150; ++i) client.Publish("D", "E", std::string(512 << 10, static_cast<char>('a' + i % 26)));
    EXPECT_THAT(nmqd.process().errors(), HasSubstr("raise RLIMIT_NOFILE"));
    EXPECT_THAT(nmqd.process().errors(), testing::Not(HasSubstr("Too many open files")));
    // Nobody else gets in.
    grpc::ClientContext context;  // waits for no connection
    v1::ListQueuesResponse response;
    const auto refused = v1::Registry::NewStub(NewChannel(nmqd.address()));
    EXPECT_EQ(refused->ListQueues(&context, v1::ListQueuesRequest(), &response).error_code(),
              grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_TRUE(WaitUntil([&] {
    Api again(nmqd.address());
    return again.Try(&v1::Registry::Stub::ListQueues, v1::ListQueuesRequest()).ok();
  }));
  const auto metrics = api->Get(&v1::Registry::Stub::ListMetrics, v1::ListMetricsRequest());
  EXPECT_THAT(metrics.ShortDebugString(), HasSubstr("TOO_MANY_CONNECTIONS"));
}

}  // namespace
}  // namespace nmq::integration
