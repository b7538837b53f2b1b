#ifndef NMQ_SERVER_HTTP2_CONNECTION_LIMITS_H_
#define NMQ_SERVER_HTTP2_CONNECTION_LIMITS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace nmq::http2 {

// What a peer may do and take before it is known to be anybody.
struct ConnectionLimits {
  // Requests under way at once.
  uint32_t streams = 1000;
  // Of a request's headers, as HTTP/2 counts them; a larger request is refused, one that is twice as large on the wire
  // ends the connection.
  uint32_t header_bytes = 64 << 10;
  // What may come of a request that nobody has asked for.
  uint32_t window_bytes = 16 << 10;
  // By so much the windows of publishers that send many messages may be wider, together.
  int64_t wide_bytes = 16 << 20;
  // Of what nobody has asked for yet: with more, the connection ends. The windows do not allow for that.
  int64_t held_bytes = 32 << 20;
  // Of messages that do not come in one piece, at once; the others wait, and the peer by its windows.
  uint64_t receive_bytes = 32 << 20;
  // For the preface and the first settings.
  absl::Duration handshake = absl::Seconds(10);
  // For the next byte of a message that has begun, or of a request that has one message only.
  absl::Duration stall = absl::Seconds(30);
  // After so long without a byte the peer is pinged, and after so long without an answer it is gone.
  absl::Duration keepalive = absl::Seconds(30);
  absl::Duration keepalive_timeout = absl::Seconds(10);
  // After so long without a request it is asked to leave.
  absl::Duration idle = absl::Hours(1);
  // The same when descriptors are short, if it never had a request, and if it had some.
  absl::Duration spare_unused = absl::Seconds(10);
  absl::Duration spare_used = absl::Minutes(1);
  // Frames that carry nothing of a request (settings, pings, priorities, window updates, empty ones, unknown ones):
  // so many at once, and so many a second. A frame of data, whichever way, allows for kCreditForData more: readers ping
  // and open windows as they read.
  int64_t control_burst = 10'000;
  int64_t control_per_second = 1'000;
  // Requests that the peer ends by a reset, or makes the server reset by an error of its own. A busy client cancels
  // hundreds of calls in a second, and each may have a deadline that is too short; an attacker resets a hundred
  // thousand. A request that is answered allows for one more.
  int64_t reset_burst = 2'000;
  int64_t reset_per_second = 1'000;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CONNECTION_LIMITS_H_
