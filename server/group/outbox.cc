#include "server/group/outbox.h"

#include <utility>

#include "absl/strings/string_view.h"

namespace nmq::broker {

void Outbox::Add(const GroupState::Assignment& assignment, const log::Block& block) {
  const log::Block::Item& item = block.item(assignment.sequence);
  items_.push_back({{block.chunk, item.entry_offset, item.entry_length},
                    {assignment.sequence, assignment.delivery},
                    assignment.attempt});
}

std::vector<log::ByteRange> Outbox::Take() {
  const auto message = [](const Item& item) { return MessageOf({item.entry.data(), item.entry.length}); };
  size_t bytes = 0;
  for (const Item& item : items_) {
    bytes += DeliveryStamp(item.attempt, item.delivery.delivery).EntrySize(message(item));
  }
  const auto chunk = log::ChunkRef::Adopt(new log::Chunk(bytes));
  std::vector<log::ByteRange> ranges;
  ranges.reserve(items_.size());
  for (const Item& item : items_) {
    const DeliveryStamp stamp(item.attempt, item.delivery.delivery);
    const size_t size = stamp.EntrySize(message(item));
    const auto offset = static_cast<uint32_t>(chunk->size());
    stamp.WriteEntry(message(item), chunk->Extend(size));
    ranges.push_back({chunk, offset, static_cast<uint32_t>(size)});
  }
  items_.clear();
  return ranges;
}

std::vector<StampedDelivery> Outbox::Unsent() const {
  std::vector<StampedDelivery> unsent;
  for (const Item& item : items_) unsent.push_back(item.delivery);
  return unsent;
}

}  // namespace nmq::broker
