#ifndef NMQ_SERVER_LOG_BLOCK_H_
#define NMQ_SERVER_LOG_BLOCK_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "server/log/chunk.h"

namespace nmq::log {

// Neighbouring messages of a queue, read from disk. Immutable.
struct Block {
  struct Item {
    int64_t time_us;
    uint64_t stamp;
    uint32_t audience_offset;  // in the chunk
    uint32_t audience_length;
    uint32_t entry_offset;
    uint32_t entry_length;
  };
  uint64_t first = 0;  // the sequence of items[0]
  ChunkRef chunk;      // entries one after another, in order, and then the audiences
  std::vector<Item> items;

  uint64_t end() const { return first + items.size(); }
  bool Contains(uint64_t sequence) const { return sequence >= first && sequence < end(); }
  // Of a sequence that it contains.
  const Item& item(uint64_t sequence) const { return items[sequence - first]; }
  absl::string_view entry(uint64_t sequence) const {
    return {chunk->data() + item(sequence).entry_offset, item(sequence).entry_length};
  }
  // As DecodeAudience reads it; empty for everyone.
  absl::string_view audience(uint64_t sequence) const {
    return {chunk->data() + item(sequence).audience_offset, item(sequence).audience_length};
  }
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_BLOCK_H_
