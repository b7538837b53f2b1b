#ifndef NMQ_SERVER_HTTP2_KEEPALIVE_H_
#define NMQ_SERVER_HTTP2_KEEPALIVE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "server/http2/connection_limits.h"

namespace nmq::http2 {

// Whether the peer of a connection is still there: one that has been silent for long is pinged. For one thread at a
// time; times are of the monotonic clock.
class Keepalive {
 public:
  enum class Act : uint8_t { kNone, kPing, kEnd };

  // `limits` must outlive it.
  Keepalive(const ConnectionLimits* limits, absl::Duration now) : limits_(*limits), heard_(now) {}

  // Something has come.
  void OnHeard(absl::Duration now) {
    heard_ = now;
    pinging_ = false;
  }
  // About once a second: says what is to be done.
  Act OnTick(absl::Duration now) {
    if (pinging_) return now - pinged_ >= limits_.keepalive_timeout ? Act::kEnd : Act::kNone;
    if (now - heard_ < limits_.keepalive) return Act::kNone;
    pinging_ = true;
    pinged_ = now;
    return Act::kPing;
  }

 private:
  const ConnectionLimits& limits_;
  absl::Duration heard_;   // when something last came
  absl::Duration pinged_;  // if pinging_
  bool pinging_ = false;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_KEEPALIVE_H_
