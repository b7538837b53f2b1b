#ifndef NMQ_SERVER_HTTP2_FRAMING_H_
#define NMQ_SERVER_HTTP2_FRAMING_H_

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "server/http2/connection_limits.h"
#include "server/http2/stream.h"
#include "server/http2/wire.h"

namespace nmq::http2 {

// The frames of HTTP/2 on one connection, by nghttp2: takes apart what comes and puts together what goes out. Both go
// through the callbacks that the session was made with. For one thread at a time.
class Framing {
 public:
  // Of the head of a frame.
  static constexpr size_t kHeadBytes = 9;

  // Takes `session`, a server's, and says first what `limits` allow.
  Framing(nghttp2_session* session, const ConnectionLimits& limits);
  ~Framing() { nghttp2_session_del(session_); }
  Framing(const Framing&) = delete;
  Framing& operator=(const Framing&) = delete;

  // How many bytes were taken apart, or an error of nghttp2. Fewer than there are if a callback paused it.
  ssize_t Receive(absl::string_view bytes);
  // Puts together what is to go out, as far as the callbacks take it; false if no more can be said for ever.
  bool Send() { return nghttp2_session_send(session_) == 0; }
  // Something is to go out.
  bool wants_send() const { return nghttp2_session_want_write(session_) != 0; }
  // Something may still come.
  bool wants_receive() const { return nghttp2_session_want_read(session_) != 0; }
  // Frames that wait to go out, but for those with data.
  size_t waiting() const { return nghttp2_session_get_outbound_queue_size(session_); }

  // The user of a stream, by its number; null if there is none.
  Stream* Find(int32_t stream) const {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, stream));
  }
  void SetUser(int32_t stream, Stream* user) { nghttp2_session_set_stream_user_data(session_, stream, user); }
  // The peer has sent all of this request.
  bool IsWhole(int32_t stream) const { return nghttp2_session_get_stream_remote_close(session_, stream) != 0; }

  // The following wait for Send.
  //
  // As Connection has them.
  void Answer(int32_t stream, const Headers& headers, bool body);
  void Resume(int32_t stream) { nghttp2_session_resume_data(session_, stream); }
  void OpenWindow(int32_t stream, uint64_t bytes);
  void Reset(int32_t stream, uint32_t error) { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error); }
  // Bytes of data take no room any more: in the connection's window, and in the one of a stream that has no user.
  void Consume(size_t bytes) { nghttp2_session_consume_connection(session_, bytes); }
  void ConsumeStream(int32_t stream, size_t bytes) { nghttp2_session_consume_stream(session_, stream, bytes); }
  void Ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  // No more requests are to be sent; those that come all the same are served.
  void Notice();
  // Whether this answers the ping that went with the notice.
  static bool IsNoticed(const nghttp2_ping& ping);
  // The last request that is served is the last that has come.
  void TellLast();
  // The connection ends with this error.
  void Terminate(uint32_t error) { nghttp2_session_terminate_session(session_, error); }

 private:
  nghttp2_session* const session_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_FRAMING_H_
