#ifndef NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_

#include "tests/integration/http2/raw_client.h"

namespace nmq::http2 {

// To a port with TLS of this machine, whoever has it: a certificate is not asked for.
Connector ToTlsPort(int port);

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_TLS_CLIENT_H_
