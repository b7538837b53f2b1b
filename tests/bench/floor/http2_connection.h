#ifndef NMQ_TESTS_BENCH_FLOOR_HTTP2_CONNECTION_H_
#define NMQ_TESTS_BENCH_FLOOR_HTTP2_CONNECTION_H_

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "tests/bench/floor/audience.h"
#include "tests/bench/floor/gather.h"
#include "tests/bench/floor/shared_bytes.h"

namespace nmq::bench {

class Http2Call;
class Http2Connection;

// What the connections of a server share. Not thread-safe.
struct Http2Floor {
  explicit Http2Floor(int the_epoll);
  ~Http2Floor();

  // Of the server's epoll.
  const int epoll;
  nghttp2_session_callbacks* const callbacks;
  nghttp2_option* const options;
  const std::unique_ptr<char[]> read_buffer;
  Gather gather;
  Audience<SharedBytes> audience;
  std::unordered_set<Http2Connection*> connections;
  // Those that may have something to send in this turn, and those that are over.
  std::vector<Http2Connection*> marked;
  std::vector<Http2Connection*> ended;
};

// A connection to a client. Not thread-safe.
class Http2Connection {
 public:
  // Owns the socket, which does not block, and registers itself, as data.ptr, in the floor's epoll.
  Http2Connection(Http2Floor* floor, int socket);
  ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;

  // What epoll says.
  void OnEvents(uint32_t events);
  // Is to be flushed at the end of this turn.
  void Mark();
  // Sends what its calls have to say, or the first part of it.
  void Flush();

  nghttp2_session* session() const { return session_; }

 private:
  friend struct Http2Callbacks;

  void Receive();
  void SendRest();
  void Await(uint32_t events);
  void End();

  Http2Floor* const floor_;
  const int socket_;
  nghttp2_session* session_ = nullptr;
  std::unordered_set<Http2Call*> calls_;
  bool marked_ = false;
  bool ended_ = false;
  uint32_t awaited_;
  Unsent unsent_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_HTTP2_CONNECTION_H_
