#ifndef NMQ_TESTS_BENCH_FLOOR_GATHER_H_
#define NMQ_TESTS_BENCH_FLOOR_GATHER_H_

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "tests/bench/floor/shared_bytes.h"

namespace nmq::bench {

// Bytes that a socket has not taken yet, in order. Not thread-safe.
class Unsent {
 public:
  bool empty() const { return pieces_.empty(); }
  // Writes as much as the socket takes; false if that is broken.
  bool Send(int socket);

 private:
  friend class Gather;

  struct Piece {
    SharedBytes owner;
    const char* bytes = nullptr;
    size_t size = 0;
  };

  std::vector<Piece> pieces_;
};

// What a connection sends in a turn, by one call of the system: short pieces are copied, long ones referred to. Not
// thread-safe.
class Gather {
 public:
  // The largest frame that may be added.
  static constexpr size_t kFrameBytesMax = (64 << 10) + 9;

  Gather();
  Gather(const Gather&) = delete;
  Gather& operator=(const Gather&) = delete;

  bool empty() const { return vectors_.empty(); }
  // No frame may be added any more in this turn.
  bool full() const { return bytes_ >= kBytesFull || vectors_.size() >= kVectorsFull; }

  void Copy(const void* bytes, size_t size);
  // `size` of these bytes from `begin` on.
  void Add(const SharedBytes& bytes, size_t begin, size_t size);

  // Writes everything, leaves in `unsent`, which is empty, what the socket does not take, and is empty again. False if
  // the socket is broken.
  bool Send(int socket, Unsent* unsent);

 private:
  static constexpr size_t kBytesFull = 512 << 10;
  // A frame adds less than 200: its long pieces, and what is copied between them.
  static constexpr size_t kVectorsFull = 800;
  // What a piece must have to be referred to.
  static constexpr size_t kReferMin = 1024;

  void Keep(size_t first, size_t sent_of_first, Unsent* unsent) const;
  void Clear();

  const std::unique_ptr<char[]> copied_;
  size_t copied_bytes_ = 0;
  size_t bytes_ = 0;
  std::vector<iovec> vectors_;
  // Of each vector; none for copied bytes.
  std::vector<SharedBytes> owners_;
};

}  // namespace nmq::bench

#endif  // NMQ_TESTS_BENCH_FLOOR_GATHER_H_
