#ifndef NMQ_SERVER_HTTP2_CONNECTION_CALLBACKS_H_
#define NMQ_SERVER_HTTP2_CONNECTION_CALLBACKS_H_

#include <nghttp2/nghttp2.h>

#include "server/http2/connection.h"

namespace nmq::http2 {

// What nghttp2 calls, as methods of a connection.
struct ConnectionCallbacks {
  static nghttp2_session* NewSession(Connection* connection);

 private:
  static nghttp2_session_callbacks* Make();
  static void SetReceiving(nghttp2_session_callbacks* callbacks);
  static void SetIgnoring(nghttp2_session_callbacks* callbacks);
  static void SetSending(nghttp2_session_callbacks* callbacks);
  // How large the next frame of a stream may be.
  static ssize_t BodyBytesMax(nghttp2_session* session, uint8_t type, int32_t stream, int32_t session_window,
                              int32_t stream_window, uint32_t frame_max, void* connection);
  static int SendBody(nghttp2_session* session, nghttp2_frame* frame, const uint8_t* head, size_t length,
                      nghttp2_data_source* source, void* connection);
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_CONNECTION_CALLBACKS_H_
