#ifndef NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_

#include <string>

#include "tests/integration/http2/raw_client.h"

namespace nmq::http2 {

// To a port with TLS of this machine, whoever has it: a certificate is not asked for.
Connector ToTlsPort(int port);

// How a client begins TLS: bytes that cost nothing to send again, and the server a key and a signature each time.
std::string ClientHello();

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_
