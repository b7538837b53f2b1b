#ifndef NMQ_SERVER_HTTP2_CONDUCT_H_
#define NMQ_SERVER_HTTP2_CONDUCT_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "server/http2/allowance.h"
#include "server/http2/connection_limits.h"

namespace nmq::http2 {

// Whether the peer of a connection does what it may: counts the frames that carry nothing of a request, the resets, the
// bytes and the age of a block of headers, the frames that wait for the peer to read. For one thread at a time; times
// are of the monotonic clock.
class Conduct {
 public:
  // `limits` must outlive it.
  Conduct(const ConnectionLimits* limits, absl::Duration now);

  // What the peer has done that it may not, first; null as long as it behaves. The error is for GOAWAY.
  const char* offence() const { return offence_; }
  uint32_t error() const { return error_; }
  // It has done this, which it may not.
  void Blame(uint32_t error, const char* offence);

  // The head of a frame has come; false if the frame is one too many.
  bool OnFrameBegin(const nghttp2_frame_hd& frame, absl::Duration now);
  // A frame of data that has begun is padding alone; false if it is one too many.
  bool OnPaddingAlone(absl::Duration now) { return CountControl(now); }
  // nghttp2 has read what came, and says `outcome`: so many bytes, or an error; so many frames wait to be sent.
  void OnRead(ssize_t outcome, size_t frames_waiting, absl::Duration now);
  // The first settings have come.
  void OnGreeted() { greeted_ = true; }
  // The peer has made the server refuse or reset a request.
  bool CountReset(absl::Duration now);
  // A frame of data has been sent, or the end of an answer.
  void OnDataSent();
  void OnAnswerSent();
  // About once a second.
  void OnTick(absl::Duration now);

 private:
  bool CountControl(absl::Duration now);
  // Frames that nghttp2 passes over without a word, such as data for requests that have their answer.
  void CountIgnored(absl::Duration now);
  bool CountHeaderBlock(const nghttp2_frame_hd& frame, absl::Duration now);

  const ConnectionLimits& limits_;
  Allowance control_;
  Allowance resets_;
  const absl::Duration begun_;
  uint64_t read_bytes_ = 0;
  uint64_t frame_bytes_ = 0;    // of frames that have begun
  uint64_t ignored_bytes_ = 0;  // that were counted
  uint64_t header_block_bytes_ = 0;
  absl::Duration header_block_since_;
  bool in_header_block_ = false;
  bool greeted_ = false;  // the preface and the first settings have come
  uint32_t error_ = 0;
  const char* offence_ = nullptr;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CONDUCT_H_
