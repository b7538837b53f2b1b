#ifndef NMQ_SERVER_QUEUE_DELIVERY_H_
#define NMQ_SERVER_QUEUE_DELIVERY_H_

#include <cstdint>
#include <vector>

#include "nmq/v1/message_queue.pb.h"
#include "server/log/audience.h"
#include "server/log/chunk.h"

namespace nmq::broker {

// A message for a cursor, and where its entry is.
struct Piece {
  uint64_t sequence;
  const log::Audience* audience;  // null for everyone
  log::Chunk* chunk;
  uint32_t offset;
  uint32_t length;
};

// What one look at a subscription brings: messages, or a gap.
struct Delivery {
  std::vector<log::ByteRange> ranges;  // entries, in order
  uint64_t bytes = 0;
  uint64_t messages = 0;
  v1::Gap gap;
  bool has_gap = false;

  bool empty() const { return messages == 0 && !has_gap; }

  // Adds a message; false if it has no room: there is a gap, or with it there would be more than one message and
  // `bytes_max` bytes. Neighbours in a chunk are one range.
  bool Add(const Piece& piece, uint64_t bytes_max) {
    if (has_gap || (messages > 0 && bytes + piece.length > bytes_max)) return false;
    bytes += piece.length;
    ++messages;
    if (!ranges.empty()) {
      log::ByteRange& last = ranges.back();
      if (last.chunk.get() == piece.chunk && last.offset + last.length == piece.offset) {
        last.length += piece.length;
        return true;
      }
    }
    piece.chunk->Ref();
    ranges.push_back({log::ChunkRef::Adopt(piece.chunk), piece.offset, piece.length});
    return true;
  }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_DELIVERY_H_
