#ifndef NMQ_SERVER_HTTP2_CLIENT_CERTIFICATE_H_
#define NMQ_SERVER_HTTP2_CLIENT_CERTIFICATE_H_

#include <openssl/ssl.h>

#include <memory>

#include "server/call/call.h"

namespace nmq::http2 {

// What the peer's certificate says of it, after the handshake; null if it has shown none that was verified. Of the
// subjectAltName the DNS names, in lower case, and the URIs; the subject's common name names nobody.
std::unique_ptr<const ClientCertificate> ReadClientCertificate(const SSL& ssl);

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CLIENT_CERTIFICATE_H_
