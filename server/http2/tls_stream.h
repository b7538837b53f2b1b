#ifndef NMQ_SERVER_HTTP2_TLS_STREAM_H_
#define NMQ_SERVER_HTTP2_TLS_STREAM_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "server/http2/byte_stream.h"
#include "server/http2/socket.h"

namespace nmq::http2 {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

// TLS on a socket, for OpenSSL reads and writes memory only: what arrives is decrypted where it was read to, and what
// several records take is sent by one system call. The handshake happens in Read; Write takes nothing before its end.
class TlsStream final : public ByteStream {
 public:
  // `ssl` is at the beginning of a handshake, and has SSL_MODE_ENABLE_PARTIAL_WRITE and
  // SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER; null stands for a stream that has ended. `descriptor` is a connected socket
  // that does not block; closes it in the end.
  TlsStream(SslPtr ssl, int descriptor);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  ssize_t Read(char* to, size_t size) override;
  ssize_t Write(const iovec* pieces, size_t count) override;
  // Sends close_notify first.
  void CloseWrite() override;
  int descriptor() const override { return socket_.descriptor(); }
  const ClientCertificate* certificate() const override { return certificate_.get(); }

 private:
  friend struct TlsBio;
  class Plain;

  // The following send what the socket takes; false if the stream has ended.
  bool Send(absl::string_view* bytes);
  bool SendLeft();
  // What OpenSSL has written; the rest becomes left_.
  bool SendWire();
  size_t Decrypt(char* to, size_t size);
  size_t Encrypt(Plain* plain);
  // OpenSSL can do no more for now, or for ever.
  void Stop(int outcome);
  // A message of TLS's own has come or gone.
  void CountMessage();

  const SslPtr ssl_;
  Socket socket_;
  absl::string_view arrived_;  // during Read: what OpenSSL has not read yet
  std::string left_;           // encrypted; the socket did not take it
  size_t ahead_ = 0;           // bytes that are in left_, and that Write has not called taken
  uint64_t read_bytes_ = 0;    // decrypted
  uint64_t messages_ = 0;      // of TLS's own, since the handshake
  std::unique_ptr<const ClientCertificate> certificate_;
  bool greeted_ = false;  // the first handshake is over
  bool closing_ = false;  // the socket is to be closed once nothing is left
  bool ended_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_TLS_STREAM_H_
