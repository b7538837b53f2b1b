#include "server/log/ring.h"

#include <algorithm>
#include <utility>

namespace nmq::log {
namespace {

// Small enough that a reader which holds on to a few messages does not hold much else; large enough that a batch is a
// handful of pieces.
constexpr size_t kChunkBytesMax = 64 << 10;
// Many queues see few messages: the first chunk is small, each next one doubles.
constexpr size_t kChunkBytesMin = 4 << 10;
// A place in a channel's index, twice: by target, and by target and event.
constexpr uint64_t kIndexBytes = 16;

}  // namespace

Ring::~Ring() { total_->bytes.fetch_sub(counted_, std::memory_order_relaxed); }

uint64_t Ring::Cost(const Record& record) {
  uint64_t cost = record.length + sizeof(Record) + kIndexBytes;
  if (record.audience != nullptr) cost += record.audience->bytes();
  return cost;
}

Chunk* Ring::ChunkFor(size_t length) {
  if (!chunks_.empty() && chunks_.back().ref->room() >= length) return chunks_.back().ref.get();
  size_t capacity = kChunkBytesMin;
  if (!chunks_.empty()) {
    const Chunk& last = *chunks_.back().ref.get();
    capacity = std::min(kChunkBytesMax, 2 * (last.size() + last.room()));
  }
  chunks_.push_back({ChunkRef::Adopt(new Chunk(std::max(capacity, length))), 0});
  return chunks_.back().ref.get();
}

char* Ring::Append(size_t length, uint64_t stamp, int64_t time_us, std::shared_ptr<const Audience> audience) {
  Chunk* chunk = ChunkFor(length);
  Record record;
  record.chunk = chunk;
  record.offset = static_cast<uint32_t>(chunk->size());
  record.length = static_cast<uint32_t>(length);
  record.stamp = stamp;
  record.time_us = time_us;
  record.audience = std::move(audience);
  bytes_ += Cost(record);
  ++chunks_.back().records;
  records_.push_back(std::move(record));
  return chunk->Extend(length);
}

void Ring::PopFront() {
  bytes_ -= Cost(records_.front());
  records_.pop_front();
  ++first_;
  --chunks_.front().records;
  // A large chunk that is empty but for room to append is not kept: the next message starts a small one.
  if (chunks_.front().records == 0) chunks_.pop_front();
}

uint64_t Ring::Count() {
  const uint64_t change = bytes_ - counted_;  // may be below zero, in two's complement
  counted_ = bytes_;
  return change == 0 ? total_->bytes.load(std::memory_order_relaxed)
                     : total_->bytes.fetch_add(change, std::memory_order_relaxed) + change;
}

void Ring::Trim(int64_t now_us) {
  while (!records_.empty() && records_.front().time_us + bounds_.age_us < now_us) PopFront();
  while (records_.size() > 1 && (bytes_ > bounds_.bytes || records_.size() > bounds_.messages)) PopFront();
  while (Count() > total_->bytes_max && records_.size() > 1) PopFront();
}

void Ring::TrimTo(uint64_t sequence) {
  while (!records_.empty() && first_ < sequence) PopFront();
  Count();
}

}  // namespace nmq::log
