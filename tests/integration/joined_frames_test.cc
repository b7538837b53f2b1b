// Frames of several streams of a connection are held back so that they go out together. Whatever becomes of the streams
// and of the connection, none stays held back.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/grpc/server.h"
#include "tests/integration/fixture.h"
#include "tests/testing/tcp_proxy.h"

namespace nmq::integration {
namespace {

constexpr int kStreams = 10;
constexpr int kFilesMax = 1024;

// Of this process, and so of the server, too.
bool AnySocketIsHeldBack() {
  for (int file = 0; file < kFilesMax; ++file) {
    int on = 0;
    socklen_t size = sizeof(on);
    if (getsockopt(file, IPPROTO_TCP, TCP_CORK, &on, &size) == 0 && on != 0) return true;
  }
  return false;
}

bool NothingStaysHeldBack() {
  return WaitUntil([] { return !AnySocketIsHeldBack(); });
}

class JoinedFrames : public testing::Test {
 protected:
  // Streams of one connection that hear the queue "DB".
  std::vector<std::unique_ptr<Listener>> Listen(TestClient* client) {
    std::vector<std::unique_ptr<Listener>> listeners;
    for (int i = 0; i < kStreams; ++i) listeners.push_back(client->Subscribe("DB"));
    return listeners;
  }

  TestServer server_{{.lanes = 1}};
  Api publishing_{server_};
  TestClient publisher_{&publishing_};
};

TEST_F(JoinedFrames, OfStreamsThatAreReadAllArrive) {
  Api api(server_);
  TestClient client(&api);
  auto listeners = Listen(&client);
  for (int i = 0; i < 100; ++i) publisher_.Publish("DB", "E", absl::StrCat(i));
  for (auto& listener : listeners) {
    const auto payloads = listener->Payloads(100);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(payloads[i], absl::StrCat(i));
  }
  EXPECT_TRUE(NothingStaysHeldBack());
}

TEST_F(JoinedFrames, OfStreamsThatAreCancelledAreLetGo) {
  Api api(server_);
  TestClient client(&api);
  auto listeners = Listen(&client);
  for (int i = 0; i + 1 < kStreams; ++i) {
    publisher_.Publish("DB", "E", absl::StrCat(i));
    listeners[i]->Cancel();
    publisher_.Publish("DB", "E", "next");
    EXPECT_EQ(listeners.back()->PayloadsUpTo("next").front(), absl::StrCat(i));
  }
  EXPECT_TRUE(NothingStaysHeldBack());
}

TEST_F(JoinedFrames, OfAConnectionThatIsCutAreLetGo) {
  TcpProxy proxy(server_.port());
  Api api(proxy.address());
  TestClient client(&api);
  auto listeners = Listen(&client);
  for (int i = 0; i < 20; ++i) publisher_.Publish("DB", "E", "text");
  proxy.Cut();
  for (int i = 0; i < 20; ++i) publisher_.Publish("DB", "E", "text");
  for (auto& listener : listeners) EXPECT_FALSE(listener->End().ok());
  EXPECT_TRUE(WaitUntil([&] { return server_.rpc().streams() == 0; }));
  EXPECT_TRUE(NothingStaysHeldBack());
}

TEST_F(JoinedFrames, OfAConnectionThatIsNotReadDoNotHoldBackTheRestOnceItIs) {
  TcpProxy proxy(server_.port());
  Api api(proxy.address());
  TestClient client(&api);
  auto listeners = Listen(&client);
  proxy.Stall(true);
  const std::string large(256 << 10, 'x');
  for (int i = 0; i < 40; ++i) publisher_.Publish("DB", "E", large);
  publisher_.Publish("DB", "E", "last");
  EXPECT_TRUE(NothingStaysHeldBack());
  proxy.Stall(false);
  for (auto& listener : listeners) EXPECT_EQ(listener->PayloadsUpTo("last").back(), "last");
  EXPECT_TRUE(NothingStaysHeldBack());
}

TEST_F(JoinedFrames, OfStreamsThatAreToldToLeaveArriveAtOnce) {
  Api api(server_);
  TestClient client(&api);
  auto listeners = Listen(&client);
  publisher_.Publish("DB", "E", "text");
  server_.Stop(absl::Seconds(1));
  for (auto& listener : listeners) {
    bool message = false;
    bool drain = false;
    while (!message || !drain) {
      const auto frame = listener->NextFrame();
      ASSERT_TRUE(frame.has_value());
      message = message || frame->has_batch();
      drain = drain || frame->has_drain();
    }
    EXPECT_EQ(listener->End().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_TRUE(NothingStaysHeldBack());
}

}  // namespace
}  // namespace nmq::integration
