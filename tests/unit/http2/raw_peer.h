#ifndef NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_
#define NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace nmq::http2 {

inline constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// A frame of HTTP/2 as it is on the wire.
struct RawFrame {
  uint8_t type = 0;
  uint8_t flags = 0;
  int32_t stream = 0;
  std::string payload;
};

std::string ToBytes(const RawFrame& frame);
std::string ToBytes(uint8_t type, uint8_t flags, int32_t stream, absl::string_view payload = "");
std::string BigEndian(uint32_t number);

using Fields = std::vector<std::pair<std::string, std::string>>;
// A header block that needs no state: names and values in full.
std::string HeaderBlock(const Fields& fields);
// Frames with these headers.
std::string HeaderFrames(int32_t stream, bool end, const Fields& fields);
// What a request of gRPC has.
Fields GrpcRequest(const std::string& path = "/test/Echo");

// The client's end of a connection: sends whatever bytes it is told to, and takes the server's frames apart.
class RawPeer {
 public:
  // `turn` lets the server do what it can now.
  RawPeer(int socket, std::function<void()> turn) : socket_(socket), turn_(std::move(turn)) {}
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  // False if the server took the bytes no longer.
  bool Send(absl::string_view bytes);
  // The preface and empty settings, and that the server's are known; only once.
  bool Greet();
  // Headers of a request, in as many frames as they need.
  bool Request(int32_t stream, bool end, const Fields& fields = GrpcRequest());
  // Reads what there is, into frames.
  void Receive();
  // Reads until `done`, as long as it takes; false if the server ends before.
  bool ReceiveUntil(const std::function<bool()>& done);
  // Stops reading.
  void set_reads(bool reads) { reads_ = reads; }

  const std::vector<RawFrame>& frames() const { return frames_; }
  // Of those that have come so far.
  std::vector<RawFrame> Of(uint8_t type, int32_t stream) const;
  // The headers of this stream, of all its blocks.
  Fields HeadersOf(int32_t stream) const;
  std::string BodyOf(int32_t stream) const;
  // The error of the last GOAWAY; -1 if none came.
  int64_t goaway() const;
  // The error of the reset of this stream; -1 if none came.
  int64_t reset(int32_t stream) const;
  // The server has closed its side.
  bool ended() const { return ended_; }

 private:
  void ReadAll();

  const int socket_;
  const std::function<void()> turn_;
  bool reads_ = true;
  bool greeted_ = false;
  bool ended_ = false;
  std::string unread_;
  std::vector<RawFrame> frames_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_
