#include "server/queue/mailbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace nmq::broker {

void Mailbox::Put(std::vector<log::ByteRange> entries, const std::vector<v1::Gap>& gaps) {
  MutexLock lock(&mu_);
  for (log::ByteRange& entry : entries) entries_.push_back(std::move(entry));
  for (const v1::Gap& gap : gaps) {
    // What the member has not taken yet becomes one gap for each reason, so that it misses none however slow it is.
    if (gaps_.size() < kGapsMax) {
      gaps_.push_back(gap);
      continue;
    }
    const auto last = std::find_if(gaps_.rbegin(), gaps_.rend(),
                                   [&](const v1::Gap& other) { return other.reason() == gap.reason(); });
    if (last == gaps_.rend()) {
      gaps_.push_back(gap);
      continue;
    }
    last->set_first(std::min(last->first(), gap.first()));
    last->set_last(std::max(last->last(), gap.last()));
    last->set_count(last->count() + gap.count());
  }
  empty_.store(entries_.empty() && gaps_.empty(), std::memory_order_release);
}

void Mailbox::Take(uint64_t bytes_max, Delivery* delivery) {
  MutexLock lock(&mu_);
  if (!gaps_.empty() && delivery->empty()) {
    delivery->gap = std::move(gaps_.front());
    delivery->has_gap = true;
    gaps_.pop_front();
  }
  while (!delivery->has_gap && !entries_.empty()) {
    log::ByteRange& entry = entries_.front();
    if (delivery->messages > 0 && delivery->bytes + entry.length > bytes_max) break;
    delivery->bytes += entry.length;
    ++delivery->messages;
    // Neighbours in a chunk go out as one.
    log::ByteRange* const last = delivery->ranges.empty() ? nullptr : &delivery->ranges.back();
    if (last != nullptr && last->chunk.get() == entry.chunk.get() && last->offset + last->length == entry.offset) {
      last->length += entry.length;
    } else {
      delivery->ranges.push_back(std::move(entry));
    }
    entries_.pop_front();
  }
  empty_.store(entries_.empty() && gaps_.empty(), std::memory_order_release);
}

std::vector<log::ByteRange> Mailbox::TakeBack() {
  MutexLock lock(&mu_);
  std::vector<log::ByteRange> left(std::make_move_iterator(entries_.begin()), std::make_move_iterator(entries_.end()));
  entries_.clear();
  empty_.store(gaps_.empty(), std::memory_order_release);
  return left;
}

}  // namespace nmq::broker
