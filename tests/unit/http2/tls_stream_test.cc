#include "server/http2/tls_stream.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/http2/tls_context.h"
#include "tests/testing/certificates.h"
#include "tests/unit/http2/tls_files.h"
#include "tests/unit/http2/tls_peer.h"

namespace nmq::http2 {
namespace {

constexpr int kStepsMax = 200'000;

std::string Pattern(size_t size) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

// The server's end of a pair of sockets: looks at its stream only when poll says so, as a loop with epoll does.
class ServerEnd {
 public:
  explicit ServerEnd(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  // False if poll tells of nothing.
  bool Turn() {
    const bool write = (!unsent.empty() && !stream_->write_awaits_read()) || stream_->wants_write();
    pollfd waiting = {stream_->descriptor(), static_cast<short>(POLLIN | (write ? POLLOUT : 0)), 0};
    if (ended || poll(&waiting, 1, 0) != 1) return false;
    if ((waiting.revents & POLLOUT) != 0) unsent.empty() ? Read() : Write();
    if ((waiting.revents & ~POLLOUT) != 0) Read();
    return true;
  }
  ByteStream& stream() { return *stream_; }
  void Close() { stream_ = nullptr; }

  std::string unsent;
  // Pieces to write it in; the rest is one more.
  std::vector<size_t> sizes;
  std::string received;
  bool ended = false;

 private:
  void Read() {
    const ssize_t size = stream_->Read(buffer_.data(), buffer_.size());
    EXPECT_NE(size, 0);
    if (size == ByteStream::kEnded) ended = true;
    if (size > 0) received.append(buffer_.data(), static_cast<size_t>(size));
  }
  void Write() {
    std::vector<iovec> pieces;
    size_t at = 0;
    for (const size_t size : sizes) {
      if (at + size >= unsent.size() || pieces.size() == 1'000) break;
      pieces.push_back({unsent.data() + at, size});
      at += size;
    }
    pieces.push_back({unsent.data() + at, unsent.size() - at});
    const ssize_t taken = stream_->Write(pieces.data(), pieces.size());
    EXPECT_NE(taken, 0);
    if (taken == ByteStream::kEnded) ended = true;
    // At another place in memory, as what a gather leaves to the unsent is.
    if (taken > 0) unsent = std::string(unsent, static_cast<size_t>(taken));
  }

  std::unique_ptr<ByteStream> stream_;
  std::string buffer_ = std::string(ByteStream::kReadBytesMin, 0);
};

class TlsStreamTest : public testing::Test {
 protected:
  TlsPeer::Options Trusting() const { return {.ca = files_.authority().certificate()}; }

  // Ends that know nothing of each other yet; sockets with small buffers if `small`.
  void Pair(const TlsPeer::Options& options, bool small = false) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    const int bytes = 4'096;
    if (small) ASSERT_EQ(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
    server_ = std::make_unique<ServerEnd>(context_->Serve(ends[0]));
    peer_ = std::make_unique<TlsPeer>(ends[1], options);
  }
  // False if that never comes.
  bool Run(const std::function<bool()>& done, size_t bytes = size_t{1} << 20) {
    for (int i = 0; i < kStepsMax; ++i) {
      if (done()) return true;
      peer_->Step(bytes);
      server_->Turn();
    }
    return done();
  }
  void Connect(const TlsPeer::Options& options, bool small = false) {
    Pair(options, small);
    ASSERT_TRUE(Run([&] { return peer_->connected() && !server_->stream().write_awaits_read(); })) << peer_->failure();
  }
  // The server has refused, and the peer was told this.
  void ExpectRefused(int alert) {
    EXPECT_TRUE(Run([&] { return server_->ended; }));
    EXPECT_TRUE(Run([&] { return peer_->failure() != 0; }));
    EXPECT_EQ(peer_->failure(), alert);
    EXPECT_NE(server_->stream().failure(), nullptr);
    EXPECT_EQ(ERR_peek_error(), 0u);
  }

  TestTlsFiles files_;
  std::unique_ptr<TlsContext> context_ = TlsContext::Load(files_.paths()).value();
  std::unique_ptr<ServerEnd> server_;
  std::unique_ptr<TlsPeer> peer_;
};

TEST_F(TlsStreamTest, BytesGoBothWaysInEitherVersion) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPeer::Options options = Trusting();
    options.version = version;
    Connect(options);
    const std::string bytes = Pattern(300'000);
    peer_->Write(bytes);
    server_->unsent = bytes;
    EXPECT_TRUE(Run([&] { return peer_->received() == bytes && server_->received == bytes; }));
    EXPECT_EQ(SSL_version(peer_->ssl()), version);
    const unsigned char* protocol;
    unsigned size;
    SSL_get0_alpn_selected(peer_->ssl(), &protocol, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(protocol), size), "h2");
  }
}

TEST_F(TlsStreamTest, WhatIsWrittenBeforeTheHandshakeWaitsWithoutWaking) {
  Pair(Trusting());
  server_->unsent = "settings";
  EXPECT_FALSE(server_->Turn());  // although the socket takes bytes
  EXPECT_TRUE(Run([&] { return peer_->received() == "settings"; }));
  EXPECT_FALSE(server_->Turn());
}

TEST_F(TlsStreamTest, PeerThatTricklesByteByByteIsHeardAndAnswered) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPeer::Options options = Trusting();
    options.version = version;
    Pair(options, /*small=*/true);
    server_->unsent = Pattern(20'000);
    EXPECT_TRUE(Run([&] { return peer_->connected(); }, 1));
    peer_->Write("first");
    EXPECT_TRUE(Run([&] { return server_->received == "first"; }, 1));
    peer_->Write(Pattern(20'000));
    EXPECT_TRUE(Run([&] { return server_->received == "first" + Pattern(20'000); }, 1));
    EXPECT_TRUE(Run([&] { return peer_->received() == Pattern(20'000); }, 1));
    EXPECT_FALSE(server_->ended);
  }
}

TEST_F(TlsStreamTest, ManyRecordsThatComeAtOnceAreReadWhole) {
  Connect(Trusting());
  std::string sent;
  for (size_t i = 0; i < 2'000; ++i) {
    const std::string part = Pattern(1 + i % 90);
    sent += part;
    peer_->Write(part);
  }
  EXPECT_TRUE(Run([&] { return server_->received == sent; }, 50'000));
}

TEST_F(TlsStreamTest, LargeMessageArrivesWholeThoughTheSocketTakesLittle) {
  Connect(Trusting(), /*small=*/true);
  const std::string bytes = Pattern(3 << 20);
  server_->unsent = bytes;
  // Longer and shorter than records, and their ends.
  for (size_t i = 0; i < 4'000; ++i)
    server_->sizes.push_back(std::vector<size_t>{9, 16'384, 100, 40'000, 1, 5'000}[i % 6]);
  EXPECT_TRUE(Run([&] { return peer_->received().size() == bytes.size(); }, 10'000));
  EXPECT_EQ(peer_->received(), bytes);
  EXPECT_FALSE(server_->stream().wants_write());
}

TEST_F(TlsStreamTest, WhatIsNotTakenMayComeAgainInFewerPieces) {
  Connect(Trusting(), /*small=*/true);
  const std::string bytes = Pattern(50'000);
  std::vector<iovec> pieces;
  for (size_t at = 0; at < bytes.size(); at += 100) pieces.push_back({const_cast<char*>(bytes.data()) + at, 100});
  size_t taken = 0;
  for (int i = 0; i < kStepsMax && taken < bytes.size(); ++i) {
    const size_t first = taken / 100;
    const size_t count = i == 0 ? pieces.size() : std::min<size_t>(7, pieces.size() - first);
    const ssize_t some = server_->stream().Write(&pieces[first], count);
    ASSERT_NE(some, ByteStream::kEnded);
    if (some > 0) taken += static_cast<size_t>(some);
    ASSERT_EQ(taken % 100, 0u);
    peer_->Step(10'000);
  }
  EXPECT_TRUE(Run([&] { return peer_->received() == bytes; }));
}

TEST_F(TlsStreamTest, ClientWithoutH2InAlpnIsRefused) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const char* alpn : {"", "\10http/1.1", "\2h3\10http/1.1"}) {
      TlsPeer::Options options = Trusting();
      options.alpn = alpn;
      options.version = version;
      Pair(options);
      ExpectRefused(SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
    }
  }
}

TEST_F(TlsStreamTest, VersionOfOldIsRefused) {
  TlsPeer::Options options = Trusting();
  options.version = TLS1_1_VERSION;
  Pair(options);
  ExpectRefused(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
}

TEST_F(TlsStreamTest, PlainHttp2IsRefused) {
  Pair(Trusting());
  peer_->WriteRaw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  while (server_->Turn()) {
  }
  EXPECT_TRUE(server_->ended);
  EXPECT_STREQ(server_->stream().failure(), "wrong version number");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_F(TlsStreamTest, RenegotiationIsRefused) {
  TlsPeer::Options options = Trusting();
  options.version = TLS1_2_VERSION;
  Connect(options);
  ASSERT_EQ(SSL_renegotiate(peer_->ssl()), 1);
  SSL_do_handshake(peer_->ssl());
  EXPECT_TRUE(Run([&] { return peer_->failure() != 0; }));
  EXPECT_EQ(peer_->failure(), SSL_R_NO_RENEGOTIATION);
  EXPECT_FALSE(server_->stream().write_awaits_read());
}

TEST_F(TlsStreamTest, KeysAreUpdatedByteByByteWhileMuchIsOnItsWay) {
  Connect(Trusting(), /*small=*/true);
  const std::string bytes = Pattern(200'000);
  server_->unsent = bytes;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(peer_->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    peer_->Write("x");
    ASSERT_TRUE(Run([&] { return server_->received.size() > static_cast<size_t>(i); }, 1));
  }
  EXPECT_TRUE(Run([&] { return peer_->received() == bytes; }, 5'000));
}

TEST_F(TlsStreamTest, PeerThatChangesItsKeysForNothingIsEnded) {
  Connect(Trusting());
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(SSL_key_update(peer_->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(peer_->ssl()), 1);
  }
  EXPECT_TRUE(Run([&] { return server_->ended; }));
  EXPECT_STREQ(server_->stream().failure(), "too many messages that carry no data");
}

TEST_F(TlsStreamTest, PeerThatChangesItsKeysNowAndThenIsServed) {
  Connect(Trusting());
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(SSL_key_update(peer_->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    const std::string part = Pattern(64 << 10);
    peer_->Write(part);
    sent += part;
    peer_->Step();
    while (server_->Turn()) {
    }
  }
  EXPECT_TRUE(Run([&] { return server_->received == sent; }));
}

TEST_F(TlsStreamTest, EndOfOneSideIsToldToTheOther) {
  Connect(Trusting());
  server_->stream().CloseWrite();
  EXPECT_TRUE(Run([&] { return peer_->closed(); }));
  // And with a socket that takes it later.
  Connect(Trusting(), /*small=*/true);
  server_->unsent = Pattern(1 << 20);
  while (server_->Turn()) {
  }
  ASSERT_TRUE(server_->stream().wants_write());
  server_->unsent.clear();
  server_->stream().CloseWrite();
  EXPECT_TRUE(Run([&] { return peer_->closed() && peer_->ended(); }));
  EXPECT_EQ(peer_->failure(), 0);
  EXPECT_FALSE(server_->ended);
  // And what comes together with the peer's is read first.
  Connect(Trusting());
  peer_->Write("last");
  SSL_shutdown(peer_->ssl());
  EXPECT_TRUE(Run([&] { return server_->ended; }));
  EXPECT_EQ(server_->received, "last");
  EXPECT_EQ(server_->stream().failure(), nullptr);
}

TEST_F(TlsStreamTest, BytesThatNobodyHasEncryptedEndIt) {
  Connect(Trusting());
  peer_->Write("good");
  peer_->Step();
  peer_->WriteRaw(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  EXPECT_TRUE(Run([&] { return server_->ended; }));
  EXPECT_EQ(server_->received, "good");
  EXPECT_NE(server_->stream().failure(), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0u);
  // Others on this thread do not notice.
  Connect(Trusting());
  peer_->Write("good");
  EXPECT_TRUE(Run([&] { return server_->received == "good"; }));
}

TEST_F(TlsStreamTest, PeerThatGoesInTheMiddleOfTheHandshakeHasDoneNothingWrong) {
  Pair(Trusting());
  peer_->Step(100);
  server_->Turn();
  peer_ = nullptr;
  while (server_->Turn()) {
  }
  EXPECT_TRUE(server_->ended);
  EXPECT_EQ(server_->stream().failure(), nullptr);
}

TEST_F(TlsStreamTest, SessionIsResumedFromATicket) {
  Connect(Trusting());
  server_->unsent = "tickets came before";
  ASSERT_TRUE(Run([&] { return !peer_->received().empty(); }));
  SSL_SESSION* const session = SSL_get1_session(peer_->ssl());
  SSL_set_shutdown(peer_->ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // else OpenSSL takes it for broken
  Pair(Trusting());
  SSL_set_session(peer_->ssl(), session);
  SSL_SESSION_free(session);
  EXPECT_TRUE(Run([&] { return peer_->connected(); }));
  EXPECT_EQ(SSL_session_reused(peer_->ssl()), 1);
}

}  // namespace
}  // namespace nmq::http2
