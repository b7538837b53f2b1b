#include "tests/bench/floor/http2_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/string_view.h"
#include "tests/bench/floor/http2_call.h"

namespace nmq::bench {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr size_t kFrameHeadBytes = 9;
// A DATA frame, if the client takes larger ones than 16 KiB.
constexpr int64_t kDataMax = Gather::kFrameBytesMax - kFrameHeadBytes;
constexpr int32_t kStreamWindow = 1 << 20;
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr uint32_t kFrameMax = 1 << 20;
// Clients of the benchmark end thousands of streams at once: that is no attack.
constexpr uint64_t kResetsMax = uint64_t{1} << 32;

absl::string_view View(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

Http2Call* CallOf(nghttp2_session* session, int32_t stream) {
  return static_cast<Http2Call*>(nghttp2_session_get_stream_user_data(session, stream));
}

nghttp2_option* MakeOptions() {
  nghttp2_option* options;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_option_set_stream_reset_rate_limit(options, kResetsMax, kResetsMax);
  return options;
}

}  // namespace

// What nghttp2 calls; the session's user is its connection.
struct Http2Callbacks {
  static Http2Connection* Of(void* user) { return static_cast<Http2Connection*>(user); }

  static int OnBeginHeaders(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Connection* const connection = Of(user);
    auto* const call = new Http2Call(connection, &connection->floor_->audience, frame->hd.stream_id);
    connection->calls_.insert(call);
    return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, call);
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void*) {
    Http2Call* const call = CallOf(session, frame->hd.stream_id);
    if (call != nullptr && View(name, name_size) == ":path") call->SetPath(View(value, value_size));
    return 0;
  }

  static int OnData(nghttp2_session* session, uint8_t, int32_t stream, const uint8_t* bytes, size_t size, void*) {
    if (Http2Call* const call = CallOf(session, stream)) call->OnData(View(bytes, size));
    return 0;
  }

  static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    const bool of_request = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (!of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (Http2Call* const call = CallOf(session, frame->hd.stream_id)) call->OnHalfClose();
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t stream, uint32_t, void* user) {
    Http2Call* const call = CallOf(session, stream);
    Of(user)->calls_.erase(call);
    delete call;
    return 0;
  }

  static ssize_t Send(nghttp2_session*, const uint8_t* bytes, size_t size, int, void* user) {
    Gather& gather = Of(user)->floor_->gather;
    if (gather.full()) return NGHTTP2_ERR_WOULDBLOCK;
    gather.Copy(bytes, size);
    return static_cast<ssize_t>(size);
  }

  static int SendData(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size, nghttp2_data_source* source,
                      void* user) {
    Gather& gather = Of(user)->floor_->gather;
    if (gather.full()) return NGHTTP2_ERR_WOULDBLOCK;
    gather.Copy(head, kFrameHeadBytes);
    static_cast<Http2Call*>(source->ptr)->Give(size, &gather);
    return 0;
  }

  static ssize_t DataLength(nghttp2_session*, uint8_t, int32_t, int32_t session_window, int32_t stream_window,
                            uint32_t frame_max, void*) {
    return std::min({int64_t{session_window}, int64_t{stream_window}, int64_t{frame_max}, kDataMax});
  }

  static nghttp2_session_callbacks* Make() {
    nghttp2_session_callbacks* callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnStreamClose);
    nghttp2_session_callbacks_set_send_callback(callbacks, &Send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, &SendData);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, &DataLength);
    return callbacks;
  }
};

Http2Floor::Http2Floor(int the_epoll)
    : epoll(the_epoll), callbacks(Http2Callbacks::Make()), options(MakeOptions()), read_buffer(new char[kReadBytes]) {}

Http2Floor::~Http2Floor() {
  while (!connections.empty()) delete *connections.begin();
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
}

Http2Connection::Http2Connection(Http2Floor* floor, int socket) : floor_(floor), socket_(socket), awaited_(EPOLLIN) {
  floor_->connections.insert(this);
  nghttp2_session_server_new2(&session_, floor->callbacks, this, floor->options);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, INT32_MAX},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                             {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameMax},
                                             {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  epoll_event event = {.events = awaited_, .data = {.ptr = this}};
  epoll_ctl(floor->epoll, EPOLL_CTL_ADD, socket, &event);
  Mark();
}

Http2Connection::~Http2Connection() {
  floor_->connections.erase(this);
  // The session ends without a word of its streams.
  for (Http2Call* const call : calls_) delete call;
  nghttp2_session_del(session_);
  close(socket_);
}

void Http2Connection::OnEvents(uint32_t events) {
  if (ended_) return;
  if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) Receive();
  if ((events & EPOLLOUT) != 0 && !ended_) SendRest();
}

void Http2Connection::Receive() {
  char* const buffer = floor_->read_buffer.get();
  const ssize_t size = recv(socket_, buffer, kReadBytes, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return End();
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(buffer), static_cast<size_t>(size));
  if (taken < 0) return End();
  if (nghttp2_session_want_write(session_)) return Mark();
  if (!nghttp2_session_want_read(session_)) End();
}

void Http2Connection::SendRest() {
  if (!unsent_.Send(socket_)) return End();
  if (!unsent_.empty()) return;
  Await(EPOLLIN);
  Mark();
}

void Http2Connection::Await(uint32_t events) {
  if (std::exchange(awaited_, events) == events) return;
  epoll_event event = {.events = events, .data = {.ptr = this}};
  epoll_ctl(floor_->epoll, EPOLL_CTL_MOD, socket_, &event);
}

void Http2Connection::Mark() {
  if (!std::exchange(marked_, true)) floor_->marked.push_back(this);
}

void Http2Connection::End() {
  if (!std::exchange(ended_, true)) floor_->ended.push_back(this);
}

void Http2Connection::Flush() {
  marked_ = false;
  if (ended_ || !unsent_.empty()) return;
  Gather& gather = floor_->gather;
  if (nghttp2_session_send(session_) != 0) End();
  if (gather.empty()) return;
  // What is left goes in the next turn.
  if (gather.full()) Mark();
  if (!gather.Send(socket_, &unsent_)) return End();
  if (!unsent_.empty()) Await(EPOLLIN | EPOLLOUT);
}

}  // namespace nmq::bench
