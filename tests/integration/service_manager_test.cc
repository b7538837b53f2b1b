// What nmqd tells the service manager that started it.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/fixture.h"
#include "tests/integration/nmqd.h"

namespace nmq::integration {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The socket of a service manager. A name that begins with @ is in no folder.
class Manager {
 public:
  explicit Manager(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    EXPECT_LT(name.size(), sizeof(address.sun_path));
    memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0) << strerror(errno);
    const timeval patience = {.tv_sec = 30, .tv_usec = 0};
    EXPECT_EQ(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
  }
  ~Manager() { close(fd_); }

  // The next datagram; empty if none comes.
  std::string Read() {
    char text[1024];
    const ssize_t size = recv(fd_, text, sizeof(text), 0);
    return size < 0 ? "" : std::string(text, size);
  }

 private:
  const int fd_;
};

void HearsReadyAndStopping(const std::string& socket_name) {
  Manager manager(socket_name);
  Nmqd nmqd({}, {absl::StrCat("NOTIFY_SOCKET=", socket_name)});
  const std::string ready = manager.Read();
  EXPECT_THAT(ready, StartsWith("READY=1\n"));
  EXPECT_THAT(ready, HasSubstr(absl::StrCat("\nSTATUS=serves gRPC on ", nmqd.address())));
  nmqd.process().Signal(SIGTERM);
  EXPECT_EQ(manager.Read(), "STOPPING=1\n");
  EXPECT_EQ(nmqd.process().WaitForExit(kPatience).value_or(-1), 0);
}

TEST(ServiceManager, HearsThatNmqdServesAndThatItStops) {
  // The test's own folder may have a name that is too long for a socket's.
  char folder[] = "/tmp/nmq-notify-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string path = absl::StrCat(folder, "/s");
  HearsReadyAndStopping(path);
  unlink(path.c_str());
  rmdir(folder);
}

TEST(ServiceManager, HearsItOnASocketThatIsInNoFolder) {
  HearsReadyAndStopping(absl::StrCat("@nmq-notify-", getpid()));
}

TEST(ServiceManager, ThatIsGoneIsToldAndNmqdServesAllTheSame) {
  for (const std::string& name : {std::string("/nowhere/notify"), std::string("notify"), std::string(200, '/')}) {
    Nmqd nmqd({}, {absl::StrCat("NOTIFY_SOCKET=", name)});
    Api api(nmqd.address());
    EXPECT_EQ(InfoOf(&api, "default").clients(), 0);
    const std::string told = absl::StrCat("NOTIFY_SOCKET=", name);
    EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(nmqd.process().errors(), told); }, kPatience)) << name;
  }
}

}  // namespace
}  // namespace nmq::integration
