#ifndef NMQ_SERVER_HTTP2_TLS_CONTEXT_H_
#define NMQ_SERVER_HTTP2_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/http2/byte_stream.h"

namespace nmq::http2 {

// PEM files that a server has for TLS.
struct TlsFiles {
  std::string certificate;  // its own, then those between it and its CA
  std::string key;
  std::string client_ca;  // CAs whose clients may connect; empty: all may
};

// What a server's TLS connections begin with: TLS 1.2 or 1.3, h2 by ALPN, and the files' certificates, which are read
// again when a file has changed. For one thread at a time; the connections may be on others.
class TlsContext {
 public:
  // INVALID_ARGUMENT says which file is of no use, and what to do.
  static absl::StatusOr<std::unique_ptr<TlsContext>> Load(const TlsFiles& files);

  // The server's side of a connection, on a connected socket that does not block. If the files have changed, it has the
  // new ones; if those are of no use, the log says so once and it has the old ones.
  std::unique_ptr<ByteStream> Serve(int socket);

  // When the server's certificate is over, in seconds since 1970: a value that any thread may read, after this is gone,
  // too. The log warns from two weeks before, once a day as long as clients connect.
  std::shared_ptr<const std::atomic<int64_t>> expires() const { return expires_; }

 private:
  struct ContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, ContextFree>;

  explicit TlsContext(const TlsFiles& files) : files_(files) {}

  static absl::StatusOr<ContextPtr> Read(const TlsFiles& files);
  // Of the files: changes with each of them.
  std::string Stamp() const;
  void Refresh();
  // Puts down when the certificate is over, and warns if that is soon.
  void LookAtExpiry();

  const TlsFiles files_;
  std::string stamp_;  // when they were last read
  ContextPtr context_;
  const std::shared_ptr<std::atomic<int64_t>> expires_ = std::make_shared<std::atomic<int64_t>>(0);
  absl::Time warned_ = absl::InfinitePast();
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_TLS_CONTEXT_H_
