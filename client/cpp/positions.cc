#include "client/cpp/positions.h"

#include <algorithm>
#include <utility>

namespace nmq {
inline namespace client {
namespace internal {

void Positions::OnFirstReady(const v1::Ready& ready, const v1::StartPosition& start) {
  MutexLock lock(&mu_);
  for (const v1::QueuePosition& position : ready.positions()) {
    uint64_t sequence = position.sequence();
    // The server may begin later than asked and say so with a gap, which may never arrive.
    if (start.position_case() == v1::StartPosition::kSequence && start.sequence() > 0) {
      sequence = std::min(sequence, start.sequence() - 1);
    }
    Add(position.queue(), position.epoch(), sequence);
  }
  for (const v1::QueuePosition& position : start.resume().positions()) {
    Entry* entry = Find(position.queue());
    if (entry == nullptr) {
      Add(position.queue(), position.epoch(), position.sequence());
    } else if (entry->epoch == position.epoch()) {
      entry->sequence = position.sequence();
    } else {
      entry->next_epoch = std::exchange(entry->epoch, position.epoch());
      entry->next_sequence = entry->sequence.exchange(position.sequence());
    }
  }
}

void Positions::OnResumedReady(const v1::Ready& ready) {
  MutexLock lock(&mu_);
  for (const v1::QueuePosition& position : ready.positions()) {
    Entry* entry = Find(position.queue());
    if (entry == nullptr) {
      Add(position.queue(), position.epoch(), position.sequence());
    } else if (entry->epoch != position.epoch()) {
      entry->next_epoch = position.epoch();
      entry->next_sequence = position.sequence();
    }
  }
}

Positions::Arrival Positions::OnPosition(const std::string& queue, uint64_t epoch, uint64_t sequence, Gap* lost) {
  Entry* const entry = Find(queue);
  if (entry == nullptr || entry->epoch != epoch) return OnOtherPosition(queue, epoch, sequence, lost);
  if (sequence <= entry->sequence.load(std::memory_order_relaxed)) return Arrival::kKnown;
  entry->sequence.store(sequence, std::memory_order_relaxed);
  return Arrival::kNew;
}

Positions::Arrival Positions::OnOtherPosition(const std::string& queue, uint64_t epoch, uint64_t sequence, Gap* lost) {
  Entry* const entry = Find(queue);
  MutexLock lock(&mu_);
  if (entry == nullptr) {
    Add(queue, epoch, sequence);
    return Arrival::kNew;
  }
  if (!entry->over) {
    lost->set_queue(queue);
    lost->set_epoch(entry->epoch);
    lost->set_first(entry->sequence + 1);
    lost->set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  }
  const bool over = entry->over;
  Move(entry, epoch, sequence);
  return over ? Arrival::kNew : Arrival::kNewEpoch;
}

bool Positions::OnGap(const Gap& gap) {
  Entry* entry = Find(gap.queue());
  MutexLock lock(&mu_);
  if (entry == nullptr) {
    if (gap.last() > 0) Add(gap.queue(), gap.epoch(), gap.last());
    return true;
  }
  if (gap.reason() == v1::GAP_REASON_EPOCH_CHANGED) {
    if (gap.epoch() != entry->epoch) return true;
    const bool known = std::exchange(entry->over, true);
    if (entry->next_epoch != 0) Move(entry, entry->next_epoch, entry->next_sequence);
    return !known;
  }
  if (gap.epoch() != entry->epoch) {
    Move(entry, gap.epoch(), gap.last());
    return true;
  }
  if (gap.last() > 0 && gap.last() <= entry->sequence) return false;
  entry->sequence = std::max<uint64_t>(entry->sequence, gap.last());
  return true;
}

v1::StartPosition Positions::Resume() const {
  v1::StartPosition start = StartAfter(List());
  // Also without any position: what is not listed is heard from its beginning.
  start.mutable_resume();
  return start;
}

std::vector<v1::QueuePosition> Positions::List() const {
  std::vector<v1::QueuePosition> positions;
  MutexLock lock(&mu_);
  positions.reserve(entries_.size());
  for (const auto& [queue, entry] : entries_) {
    v1::QueuePosition& position = positions.emplace_back();
    position.set_queue(queue);
    position.set_epoch(entry->epoch);
    position.set_sequence(entry->sequence);
  }
  std::sort(positions.begin(), positions.end(),
            [](const v1::QueuePosition& a, const v1::QueuePosition& b) { return a.queue() < b.queue(); });
  return positions;
}

Positions::Entry* Positions::Find(const std::string& queue) {
  if (last_ != nullptr && last_->queue == queue) return last_;
  const auto found = entries_.find(queue);
  if (found == entries_.end()) return nullptr;
  last_ = found->second.get();
  return last_;
}

Positions::Entry* Positions::Add(const std::string& queue, uint64_t epoch, uint64_t sequence) {
  std::unique_ptr<Entry>& entry = entries_[queue];
  if (entry == nullptr) entry = std::make_unique<Entry>();
  entry->queue = queue;
  Move(entry.get(), epoch, sequence);
  return entry.get();
}

void Positions::Move(Entry* entry, uint64_t epoch, uint64_t sequence) {
  entry->epoch = epoch;
  entry->sequence = sequence;
  entry->over = false;
  entry->next_epoch = 0;
  entry->next_sequence = 0;
}

}  // namespace internal
}  // namespace client
}  // namespace nmq
