#ifndef NMQ_TESTS_INTEGRATION_HTTP2_RAW_CLIENT_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_RAW_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/http2/byte_stream.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {

// Connects to a server; null if that is not possible now.
using Connector = std::function<std::unique_ptr<ByteStream>()>;

// To a port of this machine. Its end leaves nothing behind: the port is free again at once.
Connector ToPort(int port);

// A client that sends whatever bytes it is told to. For one thread at a time.
class RawClient {
 public:
  explicit RawClient(std::unique_ptr<ByteStream> bytes) : bytes_(std::move(bytes)) {}

  // Sends all of it, and reads meanwhile. False if the server takes no more, or has said so, or not by `until`.
  bool Send(absl::string_view bytes, absl::Time until = absl::Now() + absl::Seconds(30));
  // The preface, settings with this payload, and that the server's are known.
  bool Greet(absl::string_view settings = "");
  // Reads until `done`; false if the server ends before, or it is not by `until`.
  bool ReceiveUntil(const std::function<bool()>& done, absl::Time until = absl::Now() + absl::Seconds(30));
  // Reads until the server has closed its side, or gone; false if it has not by `until`.
  bool ReceiveAll(absl::Time until = absl::Now() + absl::Seconds(30));
  // Reads what is there.
  void Receive();
  // Stops reading.
  void set_reads(bool reads) { reads_ = reads; }
  FrameLog& log() { return log_; }
  const FrameLog& log() const { return log_; }
  bool ended() const { return ended_; }

 private:
  void Wait(bool to_write, absl::Time until) const;

  const std::unique_ptr<ByteStream> bytes_;
  FrameLog log_;
  bool reads_ = true;
  bool ended_ = false;
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_RAW_CLIENT_H_
