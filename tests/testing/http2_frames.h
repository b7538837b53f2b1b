// Frames of HTTP/2 as they are on the wire: made of any bytes whatever, and taken apart.
#ifndef NMQ_TESTS_TESTING_HTTP2_FRAMES_H_
#define NMQ_TESTS_TESTING_HTTP2_FRAMES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::http2 {

inline constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct RawFrame {
  uint8_t type = 0;
  uint8_t flags = 0;
  int32_t stream = 0;
  std::string payload;
};

std::string ToBytes(const RawFrame& frame);
std::string ToBytes(uint8_t type, uint8_t flags, int32_t stream, absl::string_view payload = "");
std::string BigEndian(uint32_t number);
// Of the first four bytes.
uint32_t NumberOf(absl::string_view bytes);

using Fields = std::vector<std::pair<std::string, std::string>>;
// A header block that needs no state: names and values in full.
std::string HeaderBlock(const Fields& fields);
// Frames with these headers.
std::string HeaderFrames(int32_t stream, bool end, const Fields& fields);
// What a request of gRPC has.
Fields GrpcRequest(const std::string& path = "/test/Echo");

// What a server has sent. For one thread at a time.
class FrameLog {
 public:
  // Takes in the next bytes that came.
  void Add(absl::string_view bytes);
  // Keeps only what is about the connection's end and the first stream, so that the log of a long exchange is short.
  void set_terse(bool terse) { terse_ = terse; }

  const std::vector<RawFrame>& frames() const { return frames_; }
  // Of those that have come so far.
  std::vector<RawFrame> Of(uint8_t type, int32_t stream) const;
  // The headers of this stream, of all its blocks.
  Fields HeadersOf(int32_t stream) const;
  std::string BodyOf(int32_t stream) const;
  // The error of the last GOAWAY; -1 if none came.
  int64_t goaway() const { return goaway_; }
  // The error of the reset of this stream; -1 if none came.
  int64_t reset(int32_t stream) const;

 private:
  bool Matters(uint8_t type, int32_t stream) const;

  bool terse_ = false;
  int64_t goaway_ = -1;
  std::string unread_;
  std::vector<RawFrame> frames_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_TESTING_HTTP2_FRAMES_H_
