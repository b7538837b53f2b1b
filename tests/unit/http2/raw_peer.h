#ifndef NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_
#define NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {

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

  const std::vector<RawFrame>& frames() const { return log_.frames(); }
  // As FrameLog's.
  std::vector<RawFrame> Of(uint8_t type, int32_t stream) const { return log_.Of(type, stream); }
  Fields HeadersOf(int32_t stream) const { return log_.HeadersOf(stream); }
  std::string BodyOf(int32_t stream) const { return log_.BodyOf(stream); }
  int64_t goaway() const { return log_.goaway(); }
  int64_t reset(int32_t stream) const { return log_.reset(stream); }
  // The server has closed its side.
  bool ended() const { return ended_; }
  // And had not read all: over TCP, what it said last might be lost.
  bool cut_off() const { return cut_off_; }

 private:
  void ReadAll();

  const int socket_;
  const std::function<void()> turn_;
  bool reads_ = true;
  bool greeted_ = false;
  bool ended_ = false;
  bool cut_off_ = false;
  FrameLog log_;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_UNIT_HTTP2_RAW_PEER_H_
