#ifndef NMQ_TESTS_UNIT_HTTP2_TLS_PEER_H_
#define NMQ_TESTS_UNIT_HTTP2_TLS_PEER_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/testing/certificates.h"

namespace nmq::http2 {

// The client's end of a connection with TLS, by OpenSSL, which reads and writes memory: a test says how much of that
// travels when.
class TlsPeer {
 public:
  struct Options {
    std::string ca;
    Credentials own = {};
    // As on the wire; empty: without ALPN.
    std::string alpn = "\2h2";
    int version = TLS1_3_VERSION;
  };
  // `socket` does not block; closes it in the end.
  TlsPeer(int socket, const Options& options);
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // Lets at most so many bytes travel each way, and takes what has come.
  void Step(size_t bytes = size_t{1} << 20);
  // Sends them with the next steps.
  void Write(absl::string_view bytes);
  // Sends raw bytes, past TLS, at once.
  void WriteRaw(absl::string_view bytes);

  bool connected() const { return SSL_is_init_finished(ssl_) != 0; }
  const std::string& received() const { return received_; }
  // The peer has said that nothing more comes.
  bool closed() const { return closed_; }
  // OpenSSL's reason why there is no connection; 0 without one.
  int failure() const { return failure_; }
  // The other end has closed the socket.
  bool ended() const { return ended_; }
  SSL* ssl() { return ssl_; }
  SSL_CTX* context() { return context_; }
  int socket() const { return socket_; }

 private:
  void Take();

  const int socket_;
  SSL_CTX* const context_;
  SSL* const ssl_;
  BIO* const in_;
  BIO* const out_;
  std::string unsent_;  // encrypted
  std::string received_;
  bool closed_ = false;
  bool ended_ = false;
  int failure_ = 0;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_TLS_PEER_H_
