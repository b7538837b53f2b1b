#include "tests/integration/http2/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <csignal>
#include <memory>
#include <utility>

namespace nmq::http2 {
namespace {

constexpr unsigned char kAlpn[] = "\2h2";
constexpr int kPatienceMs = 1'000;

SSL_CTX* NewContext() {
  // OpenSSL writes to a socket whose peer is gone as to any.
  signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_protos(context, kAlpn, sizeof(kAlpn) - 1);
  return context;
}

SSL_CTX* Context() {
  static SSL_CTX* const context = NewContext();
  return context;
}

// TLS by OpenSSL on a connected socket.
class TlsClient final : public ByteStream {
 public:
  explicit TlsClient(std::unique_ptr<ByteStream> socket) : socket_(std::move(socket)) {
    ssl_ = SSL_new(Context());
    SSL_set_fd(ssl_, socket_->descriptor());
    SSL_set_connect_state(ssl_);
  }
  ~TlsClient() override { SSL_free(ssl_); }

  // False if it comes to nothing.
  bool ShakeHands() {
    while (true) {
      ERR_clear_error();
      const int outcome = SSL_do_handshake(ssl_);
      if (outcome == 1) return true;
      const int error = SSL_get_error(ssl_, outcome);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
      pollfd waiting = {descriptor(), POLLIN, 0};
      if (poll(&waiting, 1, kPatienceMs) <= 0) return false;
    }
  }
  ssize_t Read(char* to, size_t size) override {
    ERR_clear_error();
    size_t moved = 0;
    const int outcome = SSL_read_ex(ssl_, to, size, &moved);
    return Outcome(outcome, moved);
  }
  ssize_t Write(const iovec* pieces, size_t) override {
    ERR_clear_error();
    size_t moved = 0;
    const int outcome = SSL_write_ex(ssl_, pieces[0].iov_base, pieces[0].iov_len, &moved);
    return Outcome(outcome, moved);
  }
  void CloseWrite() override { SSL_shutdown(ssl_); }
  int descriptor() const override { return socket_->descriptor(); }

 private:
  ssize_t Outcome(int outcome, size_t moved) const {
    if (outcome == 1) return static_cast<ssize_t>(moved);
    const int error = SSL_get_error(ssl_, outcome);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? kBlocked : kEnded;
  }

  const std::unique_ptr<ByteStream> socket_;
  SSL* ssl_ = nullptr;
};

}  // namespace

Connector ToTlsPort(int port) {
  return [connect = ToPort(port)]() -> std::unique_ptr<ByteStream> {
    std::unique_ptr<ByteStream> socket = connect();
    if (socket == nullptr) return nullptr;
    auto client = std::make_unique<TlsClient>(std::move(socket));
    if (!client->ShakeHands()) return nullptr;
    return client;
  };
}

std::string ClientHello() {
  SSL* const ssl = SSL_new(Context());
  BIO* const sent = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);  // owns both
  SSL_set_connect_state(ssl);
  SSL_do_handshake(ssl);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(sent, &bytes);
  std::string hello(bytes, static_cast<size_t>(size));
  SSL_free(ssl);
  return hello;
}

}  // namespace nmq::http2
