#ifndef NMQ_SERVER_HTTP2_GATHER_H_
#define NMQ_SERVER_HTTP2_GATHER_H_

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "server/http2/byte_stream.h"
#include "server/log/chunk.h"

namespace nmq::http2 {

// Bytes that a connection's peer has not taken yet, in order. For one thread at a time.
class Unsent {
 public:
  bool empty() const { return first_ == pieces_.size(); }
  // Bytes that only this holds, until all is sent. The others belong to who offered them.
  size_t copied() const { return copied_; }
  // Writes as much as `stream` takes; false if it has ended.
  bool Send(ByteStream* stream);

 private:
  friend class Gather;

  std::vector<log::ByteRange> pieces_;
  size_t first_ = 0;
  size_t copied_ = 0;
};

// What one connection sends in a turn, for one vectored write: short pieces are copied into a buffer of the gather,
// long ones referred to and kept alive. A loop has one for all its connections. For one thread at a time.
class Gather {
 public:
  // A connection's share of a turn.
  static constexpr size_t kBytesMax = 256 << 10;
  // What may follow when it is nearly full: one frame of the largest size.
  static constexpr size_t kFrameBytesMax = (64 << 10) + 9;
  // What a range must have to be referred to.
  static constexpr size_t kShareBytesMin = 4 << 10;

  Gather();
  Gather(const Gather&) = delete;
  Gather& operator=(const Gather&) = delete;

  bool empty() const { return vectors_.empty(); }
  // Nothing more may be added in this turn. Otherwise one frame may be, of at most kFrameBytesMax and as many pieces as
  // it has.
  bool full() const { return bytes_ >= kBytesMax || vectors_.size() >= kPiecesFull; }
  size_t bytes() const { return bytes_; }

  void Copy(const char* bytes, size_t size);
  // `size` bytes of `range` from `offset` on.
  void Share(const log::ByteRange& range, size_t offset, size_t size);

  // Writes it, leaves in `unsent`, which is empty, what `stream` does not take now, and is empty again; false if
  // `stream` has ended.
  bool Send(ByteStream* stream, Unsent* unsent);
  // Forgets it.
  void Clear();

 private:
  static constexpr size_t kPiecesFull = 512;
  static constexpr size_t kCopiedMax = kBytesMax + kFrameBytesMax;

  void Keep(size_t first, Unsent* unsent);

  const std::unique_ptr<char[]> copied_;
  size_t copied_bytes_ = 0;
  size_t bytes_ = 0;
  std::vector<iovec> vectors_;
  std::vector<log::ChunkRef> owners_;  // of each vector; null for copied bytes
};

}  // namespace nmq::http2

#endif  // NMQ_SERVER_HTTP2_GATHER_H_
