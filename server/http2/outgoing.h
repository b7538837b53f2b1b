#ifndef NMQ_SERVER_HTTP2_OUTGOING_H_
#define NMQ_SERVER_HTTP2_OUTGOING_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "server/frame/frame.h"
#include "server/http2/gather.h"
#include "server/log/chunk.h"

namespace nmq::http2 {

// The encoder for HTTP/2: a message of gRPC on its way out, in as many parts as the windows allow. For one thread at a
// time.
class Outgoing {
 public:
  // `frame` becomes the message. Only when nothing is left of the last one.
  void Set(Frame frame);
  size_t left() const { return left_; }
  // Puts the next `bytes` into `gather`, at most what is left.
  void Give(size_t bytes, Gather* gather);
  void Clear();

 private:
  // A range, or, without a chunk, so many of the copied bytes.
  struct Piece {
    log::ByteRange range;
    size_t bytes;
  };

  std::string copied_;
  size_t copied_at_ = 0;
  absl::InlinedVector<Piece, 1> pieces_;
  size_t piece_ = 0;
  size_t offset_ = 0;  // of the next byte in the piece
  size_t left_ = 0;
};

// Those that no stream has a message for. Most streams have none on its way, and so need no memory for one. For one
// thread at a time.
class OutgoingPool {
 public:
  std::unique_ptr<Outgoing> Take() {
    if (free_.empty()) return std::make_unique<Outgoing>();
    std::unique_ptr<Outgoing> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }
  void GiveBack(std::unique_ptr<Outgoing> outgoing) {
    outgoing->Clear();
    if (free_.size() < kFreeMax) free_.push_back(std::move(outgoing));
  }

 private:
  static constexpr size_t kFreeMax = 1024;

  std::vector<std::unique_ptr<Outgoing>> free_;
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_OUTGOING_H_
