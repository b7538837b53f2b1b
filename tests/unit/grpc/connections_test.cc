#include "server/grpc/connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::rpc {
namespace {

// Both ends of a TCP connection on this machine.
class Tcp {
 public:
  explicit Tcp(int family = AF_INET) {
    const int listener = socket(family, SOCK_STREAM, 0);
    sockaddr_storage address = {};
    address.ss_family = family;
    socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr = in6addr_loopback;
    }
    if (bind(listener, generic, size) != 0 || listen(listener, 1) != 0) {
      close(listener);
      return;
    }
    getsockname(listener, generic, &size);
    client_ = socket(family, SOCK_STREAM, 0);
    if (connect(client_, generic, size) == 0) server_ = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~Tcp() { Close(); }

  void Close() {
    if (client_ >= 0) close(client_);
    if (server_ >= 0) close(server_);
    client_ = server_ = -1;
  }
  bool open() const { return server_ >= 0; }
  int server() const { return server_; }
  bool held_back() const {
    int on = 0;
    socklen_t size = sizeof(on);
    getsockopt(server_, IPPROTO_TCP, TCP_CORK, &on, &size);
    return on != 0;
  }

 private:
  int client_ = -1;
  int server_ = -1;
};

class ConnectionsTest : public ::testing::Test {
 protected:
  SimulatedClock clock_;
  Connections connections_{&clock_};
};

TEST_F(ConnectionsTest, ALoneFrameIsNotHeldBack) {
  const Tcp tcp;
  Connections::Connection* const connection = connections_.Enter(PeerOf(tcp.server()));
  for (int turn = 0; turn < 3; ++turn) {
    connections_.BeforeWrite(connection);
    EXPECT_FALSE(tcp.held_back());
    connections_.EndTurn();
  }
  connections_.Leave(connection);
}

TEST_F(ConnectionsTest, FramesAfterTheFirstAreHeldBackUntilTheTurnEnds) {
  const Tcp tcp;
  Connections::Connection* const connection = connections_.Enter(PeerOf(tcp.server()));
  for (int turn = 0; turn < 3; ++turn) {
    for (int frame = 0; frame < 3; ++frame) {
      connections_.BeforeWrite(connection);
      EXPECT_EQ(tcp.held_back(), frame > 0);
    }
    connections_.EndTurn();
    EXPECT_FALSE(tcp.held_back());
  }
  connections_.Leave(connection);
}

TEST_F(ConnectionsTest, SeveralThatAreExpectedAreAllHeldBack) {
  const Tcp tcp;
  Connections::Connection* const connection = connections_.Enter(PeerOf(tcp.server()));
  for (int frame = 0; frame < 2; ++frame) connections_.Expect(connection);
  connections_.BeforeWrite(connection);
  EXPECT_TRUE(tcp.held_back());
  connections_.EndTurn();
  connections_.Expect(connection);
  connections_.BeforeWrite(connection);
  EXPECT_FALSE(tcp.held_back());
  connections_.Leave(connection);
}

TEST_F(ConnectionsTest, StreamsOfOneConnectionCountTogetherAndThoseOfOthersDoNot) {
  const Tcp tcp;
  const Tcp other;
  Connections::Connection* const first = connections_.Enter(PeerOf(tcp.server()));
  Connections::Connection* const second = connections_.Enter(PeerOf(tcp.server()));
  Connections::Connection* const alone = connections_.Enter(PeerOf(other.server()));
  connections_.BeforeWrite(first);
  connections_.BeforeWrite(alone);
  EXPECT_FALSE(tcp.held_back());
  connections_.BeforeWrite(second);
  EXPECT_TRUE(tcp.held_back());
  EXPECT_FALSE(other.held_back());
  for (Connections::Connection* connection : {first, second, alone}) connections_.Leave(connection);
  connections_.EndTurn();
  EXPECT_FALSE(tcp.held_back());
}

TEST_F(ConnectionsTest, Ipv6IsFoundAsGrpcWritesIt) {
  const Tcp tcp(AF_INET6);
  if (!tcp.open()) GTEST_SKIP() << "no IPv6 here";
  const std::string peer = absl::StrReplaceAll(PeerOf(tcp.server()), {{"[", "%5B"}, {"]", "%5D"}});
  Connections::Connection* const connection = connections_.Enter(peer);
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  EXPECT_TRUE(tcp.held_back());
  connections_.Leave(connection);
}

TEST_F(ConnectionsTest, WhatIsNotFoundIsLookedForAgainButNotAllTheTime) {
  Tcp early;
  Connections::Connection* const unknown = connections_.Enter("unix:/nowhere");
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(unknown);
  const Tcp late;
  Connections::Connection* const connection = connections_.Enter(PeerOf(late.server()));
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  EXPECT_FALSE(late.held_back());
  clock_.Advance(absl::Seconds(1));
  connections_.BeforeWrite(connection);
  EXPECT_TRUE(late.held_back());
  for (Connections::Connection* each : {unknown, connection}) connections_.Leave(each);
}

TEST_F(ConnectionsTest, AClosedSocketIsNotTakenForTheOneInItsPlace) {
  Tcp tcp;
  const std::string peer = PeerOf(tcp.server());
  Connections::Connection* const gone = connections_.Enter(peer);
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(gone);
  connections_.EndTurn();
  connections_.Leave(gone);
  tcp.Close();
  const Tcp next;
  Connections::Connection* const again = connections_.Enter(peer);
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(again);
  EXPECT_FALSE(next.held_back());
  connections_.Leave(again);
}

TEST_F(ConnectionsTest, WhatStreamsThatLeaveInTheSameTurnWroteIsLetGo) {
  const Tcp tcp;
  Connections::Connection* const connection = connections_.Enter(PeerOf(tcp.server()));
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  connections_.Leave(connection);
  EXPECT_TRUE(tcp.held_back());
  connections_.EndTurn();
  EXPECT_FALSE(tcp.held_back());
}

TEST_F(ConnectionsTest, NothingIsHeldBackOnceTheyAreGone) {
  const Tcp tcp;
  auto connections = std::make_unique<Connections>(&clock_);
  Connections::Connection* const connection = connections->Enter(PeerOf(tcp.server()));
  for (int frame = 0; frame < 2; ++frame) connections->BeforeWrite(connection);
  EXPECT_TRUE(tcp.held_back());
  connections = nullptr;
  EXPECT_FALSE(tcp.held_back());
}

TEST_F(ConnectionsTest, ASocketThatTakesThePlaceOfAClosedOneIsHeldBackForATurnAtMost) {
  Tcp tcp;
  Connections::Connection* const connection = connections_.Enter(PeerOf(tcp.server()));
  const int number = tcp.server();
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  connections_.EndTurn();
  tcp.Close();
  const Tcp next;
  // As a rule it has that number already.
  ASSERT_EQ(dup2(next.server(), number), number);
  for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  EXPECT_TRUE(next.held_back());
  connections_.EndTurn();
  EXPECT_FALSE(next.held_back());
  if (next.server() != number) close(number);
  connections_.Leave(connection);
}

TEST_F(ConnectionsTest, ASocketThatIsClosedWhileItIsHeldBackDoesNoHarm) {
  Tcp tcp;
  const Tcp other;
  Connections::Connection* const gone = connections_.Enter(PeerOf(tcp.server()));
  Connections::Connection* const left = connections_.Enter(PeerOf(other.server()));
  for (Connections::Connection* connection : {gone, left}) {
    for (int frame = 0; frame < 2; ++frame) connections_.BeforeWrite(connection);
  }
  tcp.Close();
  connections_.EndTurn();
  EXPECT_FALSE(other.held_back());
  for (Connections::Connection* connection : {gone, left}) connections_.Leave(connection);
}

}  // namespace
}  // namespace nmq::rpc
