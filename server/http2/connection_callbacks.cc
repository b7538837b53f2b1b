#include "server/http2/connection_callbacks.h"

#include <algorithm>
#include <limits>

namespace nmq::http2 {
namespace {

constexpr int64_t kDataBytesMax = Gather::kFrameBytesMax - Framing::kHeadBytes;
// nghttp2 has a buffer for a frame of so many bytes, and keeps one for the largest that it was ever told of.
constexpr int64_t kDataBytesBuffered = 16 << 10;
// Several times what a request that is not refused takes.
constexpr size_t kContinuationsMax = 64;

Connection* ToConnection(void* user) { return static_cast<Connection*>(user); }

absl::string_view View(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

nghttp2_option* MakeOptions() {
  nghttp2_option* options;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_max_continuations(options, kContinuationsMax);
  // Connection counts them itself: nghttp2 would count ordinary cancels of a busy client like an attacker's.
  constexpr uint64_t kAny = std::numeric_limits<uint32_t>::max();
  nghttp2_option_set_stream_reset_rate_limit(options, kAny, kAny);
  // Frames of unknown types are counted, too, and then ignored.
  for (int type = NGHTTP2_CONTINUATION + 1; type <= std::numeric_limits<uint8_t>::max(); ++type) {
    nghttp2_option_set_user_recv_extension_type(options, static_cast<uint8_t>(type));
  }
  return options;
}

}  // namespace

ssize_t ConnectionCallbacks::BodyBytesMax(nghttp2_session*, uint8_t, int32_t number, int32_t session_window,
                                          int32_t stream_window, uint32_t frame_max, void* user) {
  const Stream* const stream = ToConnection(user)->framing_.Find(number);
  const bool large = stream != nullptr && stream->left() > kDataBytesBuffered;
  return std::min({int64_t{session_window}, int64_t{stream_window}, int64_t{frame_max},
                   large ? kDataBytesMax : kDataBytesBuffered});
}

int ConnectionCallbacks::SendBody(nghttp2_session*, nghttp2_frame* frame, const uint8_t* head, size_t length,
                                  nghttp2_data_source* source, void* user) {
  Connection* const connection = ToConnection(user);
  Gather& gather = connection->host_->gather();
  if (gather.full()) return NGHTTP2_ERR_WOULDBLOCK;
  gather.Copy(reinterpret_cast<const char*>(head), Framing::kHeadBytes);
  if (length == 0) return 0;
  auto* const stream = static_cast<Stream*>(source->ptr);
  stream->GiveBody(length, &gather);
  connection->sending_.Add(stream, frame->hd.stream_id);
  return 0;
}

void ConnectionCallbacks::SetReceiving(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_frame_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame_hd* frame, void* user) -> int {
        return ToConnection(user)->OnFrameBegin(*frame) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
      });
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                          [](nghttp2_session*, const nghttp2_frame*, void* user) {
                                                            ToConnection(user)->headers_ = {};
                                                            ToConnection(user)->headers_too_large_ = false;
                                                            return 0;
                                                          });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size, const uint8_t* value,
                    size_t value_size, uint8_t, void* user) {
        ToConnection(user)->OnHeader(View(name, name_size), View(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size, void* user) {
        ToConnection(user)->OnBody(stream, View(bytes, size));
        return ToConnection(user)->HasWorkedEnough() ? NGHTTP2_ERR_PAUSE : 0;
      });
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
        ToConnection(user)->OnInvalid(*frame);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        return ToConnection(user)->OnFrame(*frame) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
      });
}

// Of frames of unknown types: nothing is kept.
void ConnectionCallbacks::SetIgnoring(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_unpack_extension_callback(
      callbacks, [](nghttp2_session*, void**, const nghttp2_frame_hd*, void*) -> int { return NGHTTP2_ERR_CANCEL; });
  nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame_hd*, const uint8_t*, size_t, void*) { return 0; });
}

void ConnectionCallbacks::SetSending(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_send_callback(
      callbacks, [](nghttp2_session*, const uint8_t* bytes, size_t size, int, void* user) -> ssize_t {
        Gather& gather = ToConnection(user)->host_->gather();
        if (gather.full()) return NGHTTP2_ERR_WOULDBLOCK;
        gather.Copy(reinterpret_cast<const char*>(bytes), size);
        return static_cast<ssize_t>(size);
      });
  nghttp2_session_callbacks_set_send_data_callback(callbacks, &ConnectionCallbacks::SendBody);
  nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, &ConnectionCallbacks::BodyBytesMax);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks,
                                                       [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
                                                         ToConnection(user)->OnFrameSent(*frame);
                                                         return 0;
                                                       });
}

nghttp2_session_callbacks* ConnectionCallbacks::Make() {
  nghttp2_session_callbacks* callbacks;
  nghttp2_session_callbacks_new(&callbacks);
  SetReceiving(callbacks);
  SetIgnoring(callbacks);
  SetSending(callbacks);
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, int32_t stream, uint32_t error, void* user) {
        ToConnection(user)->OnStreamClosed(stream, error);
        return 0;
      });
  return callbacks;
}

nghttp2_session* ConnectionCallbacks::NewSession(Connection* connection) {
  // They live for ever.
  static nghttp2_session_callbacks* const callbacks = Make();
  static const nghttp2_option* const options = MakeOptions();
  nghttp2_session* session;
  nghttp2_session_server_new2(&session, callbacks, connection, options);
  return session;
}

}  // namespace nmq::http2
