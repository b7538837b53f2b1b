#include "server/queue/message_log.h"

#include <cstring>

namespace nmq::broker {
namespace {

log::RingBounds ToBounds(const RetentionConfig& retention) {
  return {retention.bytes, retention.messages, absl::ToInt64Microseconds(retention.age)};
}

}  // namespace

// Of a queue on disk the ring holds no more than of a live queue.
MessageLog::MessageLog(Options options)
    : options_(std::move(options)),
      retention_(options_.retention),
      ring_(ToBounds(durable() ? options_.ring_bounds : options_.retention), options_.total,
            durable() ? disk().extent.end : 1) {
  if (!durable()) return;
  disk_first_ = disk().extent.first;
  disk_bytes_ = disk().extent.bytes;
}

uint64_t MessageLog::FirstSince(int64_t time_us) const {
  uint64_t begin = ring_.first();
  for (uint64_t end = ring_.end(); begin < end;) {
    const uint64_t middle = begin + (end - begin) / 2;
    if (ring_.at(middle).time_us < time_us) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

std::shared_ptr<const log::Block> MessageLog::BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const {
  end = std::min(end, ring_.end());
  if (from < ring_.first() || from >= end) return nullptr;
  uint64_t last = from;
  uint64_t entries = 0;
  for (; last < end && (last == from || entries + ring_.at(last).length <= bytes_max); ++last) {
    entries += ring_.at(last).length;
  }
  auto block = std::make_shared<log::Block>();
  block->first = from;
  block->items.reserve(last - from);
  std::string audiences;
  uint64_t offset = 0;
  for (uint64_t sequence = from; sequence < last; ++sequence) {
    const log::Record& record = ring_.at(sequence);
    const std::string audience = record.audience == nullptr ? "" : log::EncodeAudience(*record.audience);
    block->items.push_back({0, record.stamp, static_cast<uint32_t>(entries + audiences.size()),
                            static_cast<uint32_t>(audience.size()), static_cast<uint32_t>(offset), record.length});
    audiences += audience;
    offset += record.length;
  }
  block->chunk = log::ChunkRef::Adopt(new log::Chunk(entries + audiences.size()));
  for (uint64_t sequence = from; sequence < last; ++sequence) {
    const log::Record& record = ring_.at(sequence);
    memcpy(block->chunk->Extend(record.length), log::Ring::data(record), record.length);
  }
  std::copy(audiences.begin(), audiences.end(), block->chunk->Extend(audiences.size()));
  return block;
}

void MessageLog::set_retention(const RetentionConfig& retention) {
  retention_ = retention;
  if (!durable()) ring_.set_bounds(ToBounds(retention));
}

bool MessageLog::TrimmedOnDisk(uint64_t first) {
  if (first <= disk_first_) return false;
  disk_first_ = first;
  ring_.TrimTo(first);
  return true;
}

void MessageLog::Purge(uint64_t first) {
  purged_end_ = std::max(purged_end_, first);
  purging_end_ = 0;
  if (durable()) disk_first_ = std::max(disk_first_, first);
  ring_.TrimTo(first);
}

v1::Gap MessageLog::GapOf(uint64_t first, uint64_t end, uint64_t count, v1::GapReason reason) const {
  v1::Gap gap;
  gap.set_queue(queue());
  gap.set_epoch(EpochOf(first));
  gap.set_first(first);
  gap.set_last(end - 1);
  gap.set_count(count);
  gap.set_reason(reason);
  return gap;
}

v1::Gap MessageLog::EndOfEpoch(uint64_t epoch, uint64_t first) const {
  v1::Gap gap;
  gap.set_queue(queue());
  gap.set_epoch(epoch);
  gap.set_first(first);
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  return gap;
}

void MessageLog::SetPosition(uint64_t sequence, v1::QueuePosition* position) const {
  position->set_queue(queue());
  // That of what comes next: whatever the last epoch lost before it was told.
  position->set_epoch(EpochOf(sequence + 1));
  position->set_sequence(sequence);
}

}  // namespace nmq::broker
