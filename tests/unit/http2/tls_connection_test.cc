// Connections over TLS: what they wait for, and how they end.
#include <nghttp2/nghttp2.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http2/connection.h"
#include "server/http2/tls_context.h"
#include "tests/testing/http2_frames.h"
#include "tests/unit/http2/raw_peer.h"
#include "tests/unit/http2/test_host.h"
#include "tests/unit/http2/tls_files.h"
#include "tests/unit/http2/tls_peer.h"

namespace nmq::http2 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kStepsMax = 100'000;

class TlsConnectionTest : public testing::Test {
 protected:
  TlsConnectionTest() {
    const int end = host_.Connect([this](int socket) { return context_->Serve(socket); });
    peer_ = std::make_unique<TlsPeer>(end, TlsPeer::Options{.ca = files_.authority().certificate()});
  }
  bool Run(const std::function<bool()>& done, size_t bytes = size_t{1} << 20) {
    for (int i = 0; i < kStepsMax && !done(); ++i) {
      peer_->Step(bytes);
      host_.Turn();
    }
    return done();
  }
  std::string Greeting() const { return kPreface + ToBytes(NGHTTP2_SETTINGS, 0, 0); }

  TestTlsFiles files_;
  std::unique_ptr<TlsContext> context_ = TlsContext::Load(files_.paths()).value();
  TestHost host_;
  std::unique_ptr<TlsPeer> peer_;
};

TEST_F(TlsConnectionTest, WaitsForNoWritingWhileThePeerIsToSpeak) {
  host_.Turn();
  EXPECT_FALSE(host_.awaits_writable());  // although its settings are unsent
  EXPECT_TRUE(Run([&] { return !peer_->received().empty(); }));
  EXPECT_FALSE(host_.awaits_writable());
}

TEST_F(TlsConnectionTest, PeerThatTricklesByteByByteIsAnswered) {
  ASSERT_TRUE(Run([&] { return peer_->connected(); }, 1));
  peer_->Write(Greeting() + HeaderFrames(1, true, GrpcRequest()));
  ASSERT_TRUE(Run([&] { return host_.streams.size() == 1 && host_.streams[0]->ended; }, 1));
  TestStream& stream = *host_.streams[0];
  stream.body = std::string(100'000, 'x');
  stream.finished = true;
  stream.connection->Answer(1, {{":status", "200"}}, /*body=*/true);
  // The window of a peer that has opened none.
  EXPECT_TRUE(Run([&] { return stream.sent == 65'535; }, 1'000));
  EXPECT_TRUE(Run([&] { return peer_->received().size() > 65'535; }, 1'000));
  EXPECT_THAT(host_.abuses, IsEmpty());
}

TEST_F(TlsConnectionTest, HandshakeThatDoesNotEndIsEndedAfterItsTime) {
  peer_->Step(100);
  host_.Turn();
  host_.Tick(host_.limits.handshake - absl::Seconds(1));
  EXPECT_FALSE(host_.over);
  EXPECT_FALSE(host_.awaits_writable());
  host_.Tick(absl::Seconds(1));
  EXPECT_TRUE(host_.over);
  EXPECT_EQ(host_.abuses.size(), 1u);
}

TEST_F(TlsConnectionTest, ConnectionThatNeverSpeaksHttp2IsToldWhyItEnds) {
  ASSERT_TRUE(Run([&] { return !peer_->received().empty(); }));
  host_.Tick(host_.limits.handshake);
  EXPECT_TRUE(Run([&] { return peer_->closed(); }));
  EXPECT_THAT(peer_->received(), HasSubstr(BigEndian(NGHTTP2_SETTINGS_TIMEOUT)));
}

TEST_F(TlsConnectionTest, PlainHttp2IsRefusedWithItsReason) {
  peer_->WriteRaw(Greeting());
  for (int i = 0; i < 10; ++i) host_.Turn();
  EXPECT_TRUE(host_.over);
  EXPECT_THAT(host_.abuses, ElementsAre("TLS: wrong version number"));
}

}  // namespace
}  // namespace nmq::http2
