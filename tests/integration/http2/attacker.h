#ifndef NMQ_TESTS_INTEGRATION_HTTP2_ATTACKER_H_
#define NMQ_TESTS_INTEGRATION_HTTP2_ATTACKER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/http2/raw_client.h"
#include "tests/testing/http2_frames.h"

namespace nmq::http2 {

// Attacks a server for some time: connects, and when it is disconnected connects again at once. For one thread.
class Attacker {
 public:
  Attacker(Connector connector, absl::Time end) : connector_(std::move(connector)), end_(end) {}

  absl::Time end() const { return end_; }
  bool over() const { return absl::Now() >= end_; }
  // A new connection; null if the time is over.
  std::unique_ptr<RawClient> Connect();
  // A connection, or null if none can be had now.
  std::unique_ptr<RawClient> TryToConnect();
  // One that has greeted.
  std::unique_ptr<RawClient> Greet(const std::string& settings = "");

  // Waits until the server has ended it, and notes how it did.
  void NoteEnd(RawClient* client);
  // The server did this, such as "GOAWAY ENHANCE_YOUR_CALM" or "grpc-status 8".
  void Note(const std::string& what) { ++noted_[what]; }
  const std::map<std::string, int>& noted() const { return noted_; }
  int connections() const { return connections_; }

 private:
  const Connector connector_;
  const absl::Time end_;
  int connections_ = 0;
  std::map<std::string, int> noted_;
};

// Bytes that repeat, in blocks that are cheap to make. With streams, each repetition is for the next one of the client.
class Repeated {
 public:
  // The numbers of streams are at `streams_at` in `unit`.
  explicit Repeated(const std::string& unit, std::vector<size_t> streams_at = {}, int32_t first_stream = 1);
  const std::string& Next();

 private:
  const size_t unit_bytes_;
  const std::vector<size_t> streams_at_;
  uint32_t stream_;
  std::string block_;
};

// Sends bodies as far as the server's windows allow. One connection's, which must outlive it.
class Windows {
 public:
  explicit Windows(RawClient* client) : client_(client) {}
  // Bytes of a body that can be sent on this stream now.
  size_t Left(int32_t stream);
  bool Send(int32_t stream, absl::string_view body, bool end, absl::Time until);
  // All of it, as windows open.
  bool SendAll(int32_t stream, absl::string_view body, absl::Time until);

 private:
  void Update();

  RawClient* const client_;
  size_t seen_ = 0;
  int64_t initial_ = 65'535;
  int64_t connection_ = 65'535;
  std::map<int32_t, int64_t> changes_;  // of streams' windows
};

}  // namespace nmq::http2

#endif  // NMQ_TESTS_INTEGRATION_HTTP2_ATTACKER_H_
