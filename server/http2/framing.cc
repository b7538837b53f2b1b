#include "server/http2/framing.h"

#include <cstring>
#include <iterator>
#include <string>
#include <vector>

namespace nmq::http2 {
namespace {

// The peer may send as much to all streams together; it is room in the network only, for what comes counts in the
// windows of streams.
constexpr int32_t kConnectionWindow = 4 << 20;
constexpr uint32_t kFrameBytesMax = 64 << 10;
constexpr uint8_t kNoticePing[] = {'n', 'o', 't', 'i', 'c', 'e', 'd', 0};

nghttp2_nv Field(const std::string& name, const std::string& value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> FieldsOf(const Headers& headers) {
  std::vector<nghttp2_nv> fields;
  fields.reserve(headers.size());
  for (const auto& [name, value] : headers) fields.push_back(Field(name, value));
  return fields;
}

// The body of an answer; `source` is its stream.
ssize_t ReadBody(nghttp2_session* session, int32_t number, uint8_t*, size_t length, uint32_t* flags,
                 nghttp2_data_source* source, void*) {
  auto* const stream = static_cast<Stream*>(source->ptr);
  const Stream::Offer offer = stream->OfferBody(length);
  if (offer.bytes == 0 && !offer.last) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!offer.last) return static_cast<ssize_t>(offer.bytes);
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const Headers trailers = stream->Trailers();
  const std::vector<nghttp2_nv> fields = FieldsOf(trailers);
  nghttp2_submit_trailer(session, number, fields.data(), fields.size());
  return static_cast<ssize_t>(offer.bytes);
}

}  // namespace

Framing::Framing(nghttp2_session* session, const ConnectionLimits& limits) : session_(session) {
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
                                             {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.window_bytes},
                                             {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameBytesMax},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.header_bytes},
                                             {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

ssize_t Framing::Receive(absl::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

void Framing::Answer(int32_t stream, const Headers& headers, bool body) {
  const std::vector<nghttp2_nv> fields = FieldsOf(headers);
  const nghttp2_data_provider provider = {{.ptr = Find(stream)}, &ReadBody};
  nghttp2_submit_response(session_, stream, fields.data(), fields.size(), body ? &provider : nullptr);
}

void Framing::OpenWindow(int32_t stream, uint64_t bytes) {
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, stream, static_cast<int32_t>(bytes));
}

void Framing::Notice() {
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kNoticePing);
}

bool Framing::IsNoticed(const nghttp2_ping& ping) {
  return std::memcmp(ping.opaque_data, kNoticePing, sizeof(kNoticePing)) == 0;
}

void Framing::TellLast() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace nmq::http2
