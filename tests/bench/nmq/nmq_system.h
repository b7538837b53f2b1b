#ifndef NMQ_TESTS_BENCH_NMQ_NMQ_SYSTEM_H_
#define NMQ_TESTS_BENCH_NMQ_NMQ_SYSTEM_H_

#include <string>
#include <vector>

#include "tests/bench/harness/system.h"
#include "tests/bench/nmq/connection.h"

namespace nmq::bench {

struct NmqSettings {
  // nmqd's program and its flags.
  std::string nmqd = {};
  std::vector<std::string> flags = {};
  // nmqd's --transport and --threads; empty and 0 for its defaults. The system's name says both: "nmq-http2/2".
  std::string transport = {};
  int threads = 0;
  // Where its standard error goes.
  std::string log = {};
  // Of the raw client's channels.
  ChannelSettings channel = {};
  // Folder with ca.pem, server.pem and server.key, as `nmq cert` makes them; empty for plain text.
  std::string tls = {};
};

// nmqd and the raw client.
System NmqSystem(const NmqSettings& settings);
// nmqd and the raw client, with a reader of our own for subscribers.
System BareNmqSystem(const NmqSettings& settings);
// nmqd and the raw client, with a queue that is buffered: written, but not synced, before the answer. Only for what is
// stored.
System NmqBufferedSystem(const NmqSettings& settings);
// nmqd and the C++ library.
System NmqLibrarySystem(const NmqSettings& settings);
// A bare server of floor/, and the raw client.
System FloorSystem(const std::string& name, const ServerCommand& command);
// The same with a reader of our own for subscribers.
System BareFloorSystem(const std::string& name, const ServerCommand& command);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_NMQ_NMQ_SYSTEM_H_
