#include "tests/testing/http2_frames.h"

#include <nghttp2/nghttp2.h>

namespace nmq::http2 {
namespace {

constexpr size_t kHeadBytes = 9;
constexpr size_t kFrameBytes = 16 << 10;

void AppendLength(std::string* block, size_t length) {
  if (length < 0x7f) {
    block->push_back(static_cast<char>(length));
    return;
  }
  block->push_back(0x7f);
  for (length -= 0x7f; length >= 0x80; length >>= 7) block->push_back(static_cast<char>(length | 0x80));
  block->push_back(static_cast<char>(length));
}

}  // namespace

uint32_t NumberOf(absl::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes.substr(0, 4)) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

std::string BigEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

std::string ToBytes(uint8_t type, uint8_t flags, int32_t stream, absl::string_view payload) {
  std::string bytes = BigEndian(static_cast<uint32_t>(payload.size())).substr(1);
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  bytes += BigEndian(static_cast<uint32_t>(stream));
  bytes.append(payload.data(), payload.size());
  return bytes;
}

std::string ToBytes(const RawFrame& frame) { return ToBytes(frame.type, frame.flags, frame.stream, frame.payload); }

std::string HeaderBlock(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block.push_back(0);  // literal, not indexed, with a new name
    AppendLength(&block, name.size());
    block += name;
    AppendLength(&block, value.size());
    block += value;
  }
  return block;
}

std::string HeaderFrames(int32_t stream, bool end, const Fields& fields) {
  std::string block = HeaderBlock(fields);
  std::string frames;
  uint8_t type = NGHTTP2_HEADERS;
  uint8_t flags = end ? NGHTTP2_FLAG_END_STREAM : 0;
  while (true) {
    const bool last = block.size() <= kFrameBytes;
    frames += ToBytes(type, flags | (last ? NGHTTP2_FLAG_END_HEADERS : 0), stream, block.substr(0, kFrameBytes));
    if (last) return frames;
    block.erase(0, kFrameBytes);
    type = NGHTTP2_CONTINUATION;
    flags = 0;
  }
}

Fields GrpcRequest(const std::string& path) {
  return {{":method", "POST"},    {":scheme", "http"}, {":path", path},
          {":authority", "test"}, {"te", "trailers"},  {"content-type", "application/grpc"}};
}

bool FrameLog::Matters(uint8_t type, int32_t stream) const {
  return !terse_ || type == NGHTTP2_GOAWAY || (stream == 1 && type != NGHTTP2_DATA && type != NGHTTP2_WINDOW_UPDATE);
}

void FrameLog::Add(absl::string_view bytes) {
  unread_.append(bytes.data(), bytes.size());
  size_t at = 0;
  while (unread_.size() - at >= kHeadBytes) {
    const absl::string_view head = absl::string_view(unread_).substr(at, kHeadBytes);
    const size_t length = NumberOf(head) >> 8;
    if (unread_.size() - at - kHeadBytes < length) break;
    const auto type = static_cast<uint8_t>(head[3]);
    const auto stream = static_cast<int32_t>(NumberOf(head.substr(5)));
    if (Matters(type, stream)) {
      frames_.push_back({type, static_cast<uint8_t>(head[4]), stream, unread_.substr(at + kHeadBytes, length)});
    }
    if (type == NGHTTP2_GOAWAY && length >= 8) goaway_ = NumberOf(frames_.back().payload.substr(4));
    at += kHeadBytes + length;
  }
  unread_.erase(0, at);
}

std::vector<RawFrame> FrameLog::Of(uint8_t type, int32_t stream) const {
  std::vector<RawFrame> found;
  for (const RawFrame& frame : frames_) {
    if (frame.type == type && frame.stream == stream) found.push_back(frame);
  }
  return found;
}

Fields FrameLog::HeadersOf(int32_t stream) const {
  nghttp2_hd_inflater* inflater;
  nghttp2_hd_inflate_new(&inflater);
  Fields fields;
  for (const RawFrame& frame : frames_) {
    if (frame.type != NGHTTP2_HEADERS) continue;
    const auto* at = reinterpret_cast<const uint8_t*>(frame.payload.data());
    size_t left = frame.payload.size();
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
      nghttp2_nv field;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, at, left, 1);
      if (used < 0) break;
      at += used;
      left -= static_cast<size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 || frame.stream != stream) continue;
      fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen),
                          std::string(reinterpret_cast<char*>(field.value), field.valuelen));
    }
    nghttp2_hd_inflate_end_headers(inflater);
  }
  nghttp2_hd_inflate_del(inflater);
  return fields;
}

std::string FrameLog::BodyOf(int32_t stream) const {
  std::string body;
  for (const RawFrame& frame : Of(NGHTTP2_DATA, stream)) body += frame.payload;
  return body;
}

int64_t FrameLog::reset(int32_t stream) const {
  const std::vector<RawFrame> found = Of(NGHTTP2_RST_STREAM, stream);
  return found.empty() ? -1 : int64_t{NumberOf(found.back().payload)};
}

}  // namespace nmq::http2
