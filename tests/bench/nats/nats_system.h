#ifndef NMQ_TESTS_BENCH_NATS_NATS_SYSTEM_H_
#define NMQ_TESTS_BENCH_NATS_NATS_SYSTEM_H_

#include <string>

#include "tests/bench/harness/system.h"

namespace nmq::bench {

// nats-server with its C client, as "nats"; what it stores is in JetStream's files. The server appends its log to the
// file `log`.
System NatsSystem(const std::string& log);
// The same server with a reader of our own for subscribers, as "nats bare reader".
System RawNatsSystem(const std::string& log);
// The first over TLS, as "nats TLS"; the folder `tls` has server.pem and server.key.
System TlsNatsSystem(const std::string& log, const std::string& tls);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NATS_NATS_SYSTEM_H_
