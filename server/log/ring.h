#ifndef NMQ_SERVER_LOG_RING_H_
#define NMQ_SERVER_LOG_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "base/circular_buffer.h"
#include "server/log/audience.h"
#include "server/log/chunk.h"

namespace nmq::log {

// What a ring holds at the most. The newest message stays however large it is.
struct RingBounds {
  uint64_t bytes;  // of entries and bookkeeping
  uint64_t messages;
  int64_t age_us;
};

// Bytes that all rings of a server hold together, and the bound on them. Thread-safe.
struct RingTotal {
  explicit RingTotal(uint64_t bound) : bytes_max(bound) {}
  const uint64_t bytes_max;
  std::atomic<uint64_t> bytes{0};
};

// What the ring knows of a message besides its bytes.
struct Record {
  Chunk* chunk = nullptr;  // kept alive by the ring
  uint32_t offset = 0;
  uint32_t length = 0;
  uint64_t stamp = 0;   // the namespace's count of memberships and publishes, to compare with joins and leaves
  int64_t time_us = 0;  // on the monotonic clock
  std::shared_ptr<const Audience> audience;  // null for everyone
};

// The messages of a queue, oldest first, as encoded entries in chunks with an index beside them. Sequences start at 1
// and have no holes. When a bound is passed, the oldest messages go; byte ranges that were handed out stay readable.
// Not thread-safe: the queue's mutex guards it.
class Ring {
 public:
  // Its first message gets the sequence `first`. `total` must outlive the ring.
  Ring(RingBounds bounds, RingTotal* total, uint64_t first = 1) : bounds_(bounds), total_(total), first_(first) {}
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // The oldest sequence that is held; end() if none is.
  uint64_t first() const { return first_; }
  // The sequence that the next message gets.
  uint64_t end() const { return first_ + records_.size(); }
  uint64_t bytes() const { return bytes_; }
  const RingBounds& bounds() const { return bounds_; }
  // For the next Trim.
  void set_bounds(const RingBounds& bounds) { bounds_ = bounds; }

  // The record of a held sequence.
  const Record& at(uint64_t sequence) const { return records_[sequence - first_]; }
  static const char* data(const Record& record) { return record.chunk->data() + record.offset; }

  // Appends a message of `length` bytes, which the caller writes to the returned place before it lets go of the lock.
  // Nothing is given up yet: see Trim.
  char* Append(size_t length, uint64_t stamp, int64_t time_us, std::shared_ptr<const Audience> audience);

  // Gives up the oldest messages until all bounds hold. To be called after appending, too: only then does what was
  // appended count in the total.
  void Trim(int64_t now_us);
  // Gives up what is before `sequence`.
  void TrimTo(uint64_t sequence);

 private:
  struct OwnedChunk {
    ChunkRef ref;
    size_t records = 0;
  };

  Chunk* ChunkFor(size_t length);
  void PopFront();
  // Brings the total up to date and returns it.
  uint64_t Count();
  static uint64_t Cost(const Record& record);

  RingBounds bounds_;
  RingTotal* const total_;
  CircularBuffer<Record> records_;
  std::deque<OwnedChunk> chunks_;
  uint64_t first_;
  uint64_t bytes_ = 0;
  // Those of bytes_ that count in the total.
  uint64_t counted_ = 0;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_RING_H_
