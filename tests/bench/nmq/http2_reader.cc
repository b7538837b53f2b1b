#include "tests/bench/nmq/http2_reader.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nmq::bench {
namespace {

// Of a gRPC message: whether it is compressed, and its length.
constexpr size_t kPrefixBytes = 5;
constexpr size_t kMessageMax = 64 << 20;
constexpr uint32_t kStreamWindow = 4 << 20;
constexpr int32_t kConnectionWindow = 64 << 20;
constexpr uint32_t kFrameMax = 64 << 10;

absl::string_view View(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

nghttp2_nv Header(absl::string_view name, absl::string_view value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

}  // namespace

// What nghttp2 calls; the session's user is its reader.
struct Http2ReaderCallbacks {
  static Http2Reader* Of(void* user) { return static_cast<Http2Reader*>(user); }

  static Http2Reader::Stream* StreamOf(nghttp2_session* session, int32_t stream) {
    return static_cast<Http2Reader::Stream*>(nghttp2_session_get_stream_user_data(session, stream));
  }

  static int OnHeader(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void*) {
    Http2Reader::Stream* const stream = StreamOf(session, frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (View(name, name_size) == "grpc-status") stream->status = std::string(View(value, value_size));
    if (View(name, name_size) == "grpc-message") stream->message = std::string(View(value, value_size));
    return 0;
  }

  static int OnData(nghttp2_session* session, uint8_t, int32_t number, const uint8_t* bytes, size_t size, void* user) {
    if (Http2Reader::Stream* const stream = StreamOf(session, number)) Of(user)->OnData(stream, View(bytes, size));
    return 0;
  }

  static int OnStreamClose(nghttp2_session* session, int32_t number, uint32_t error, void* user) {
    Http2Reader::Stream* const stream = StreamOf(session, number);
    if (stream == nullptr) return 0;
    int code;
    absl::Status status = absl::UnavailableError(absl::StrCat("a stream ended with HTTP/2's error ", error));
    if (absl::SimpleAtoi(stream->status, &code)) {
      status = absl::Status(static_cast<absl::StatusCode>(code), stream->message);
    }
    Of(user)->handler_->OnEnd(stream->call, status);
    return 0;
  }

  // nghttp2 itself would only say goodbye to the server.
  static int OnInvalidFrame(nghttp2_session*, const nghttp2_frame*, int error, void* user) {
    Of(user)->Break(nghttp2_strerror(error));
    return 0;
  }

  static int OnError(nghttp2_session*, int, const char* text, size_t size, void* user) {
    Of(user)->Break({text, size});
    return 0;
  }

  static ssize_t ReadRequest(nghttp2_session*, int32_t, uint8_t* out, size_t size, uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    std::string* const request = &static_cast<Http2Reader::Stream*>(source->ptr)->request;
    size = std::min(size, request->size());
    std::memcpy(out, request->data(), size);
    request->erase(0, size);
    if (request->empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static nghttp2_session* MakeSession(Http2Reader* reader) {
    nghttp2_session_callbacks* callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnStreamClose);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, &OnInvalidFrame);
    nghttp2_session_callbacks_set_error_callback2(callbacks, &OnError);
    nghttp2_session* session;
    nghttp2_session_client_new(&session, callbacks, reader);
    nghttp2_session_callbacks_del(callbacks);
    return session;
  }
};

Http2Reader::Http2Reader(Http2Handler* handler) : handler_(handler), session_(Http2ReaderCallbacks::MakeSession(this)) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                             {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameMax}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

Http2Reader::~Http2Reader() { nghttp2_session_del(session_); }

void Http2Reader::Call(const std::string& method, const std::string& request) {
  Stream* const stream = streams_.emplace_back(std::make_unique<Stream>()).get();
  stream->call = streams_.size() - 1;
  const uint32_t length = htonl(static_cast<uint32_t>(request.size()));
  stream->request.append(1, '\0').append(reinterpret_cast<const char*>(&length), sizeof(length)).append(request);
  const nghttp2_nv headers[] = {Header(":method", "POST"), Header(":scheme", "http"),
                                Header(":path", method),   Header(":authority", "localhost"),
                                Header("te", "trailers"),  Header("content-type", "application/grpc")};
  nghttp2_data_provider provider;
  provider.source.ptr = stream;
  provider.read_callback = &Http2ReaderCallbacks::ReadRequest;
  nghttp2_submit_request(session_, nullptr, headers, std::size(headers), &provider, stream);
}

absl::Status Http2Reader::Feed(absl::string_view bytes) {
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) Break(nghttp2_strerror(static_cast<int>(taken)));
  return health_;
}

std::string Http2Reader::TakeOutput() {
  std::string output;
  const uint8_t* bytes;
  for (ssize_t size = nghttp2_session_mem_send(session_, &bytes); size > 0;
       size = nghttp2_session_mem_send(session_, &bytes)) {
    output.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  return output;
}

void Http2Reader::OnData(Stream* stream, absl::string_view bytes) {
  if (stream->rest.empty()) {
    TakeMessages(*stream, &bytes);
    stream->rest.assign(bytes.data(), bytes.size());
    return;
  }
  stream->rest.append(bytes.data(), bytes.size());
  absl::string_view all = stream->rest;
  TakeMessages(*stream, &all);
  stream->rest.erase(0, stream->rest.size() - all.size());
}

void Http2Reader::TakeMessages(const Stream& stream, absl::string_view* bytes) {
  while (health_.ok() && bytes->size() >= kPrefixBytes) {
    uint32_t length;
    std::memcpy(&length, bytes->data() + 1, sizeof(length));
    length = ntohl(length);
    if (bytes->front() != 0 || length > kMessageMax) return Break("a message that is compressed or too long");
    if (bytes->size() - kPrefixBytes < length) return;
    if (!handler_->OnMessage(stream.call, bytes->substr(kPrefixBytes, length))) return Break("no such message");
    bytes->remove_prefix(kPrefixBytes + length);
  }
}

void Http2Reader::Break(absl::string_view what) {
  if (health_.ok()) health_ = absl::DataLossError(absl::StrCat("not what a server says: ", what));
}

}  // namespace nmq::bench
