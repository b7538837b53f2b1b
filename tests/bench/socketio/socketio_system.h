#ifndef NMQ_TESTS_BENCH_SOCKETIO_SOCKETIO_SYSTEM_H_
#define NMQ_TESTS_BENCH_SOCKETIO_SOCKETIO_SYSTEM_H_

#include <string>

#include "tests/bench/harness/system.h"

namespace nmq::bench {

struct SocketIoPaths {
  // Node.js, found by PATH if it has no slash.
  std::string node = "node";
  // The folder of server.mjs and load.mjs. Node.js follows symbolic links, and finds the packages from there.
  std::string scripts;
};

// Starts a Socket.IO server, and a process that has all of its clients. What they complain about is appended to `log`.
System SocketIoSystem(const SocketIoPaths& paths, const std::string& log);

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_SOCKETIO_SOCKETIO_SYSTEM_H_
