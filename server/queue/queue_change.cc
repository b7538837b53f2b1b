// What Admin changes of a queue.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/queue/queue.h"

namespace nmq::broker {

QueueConfig Queue::config() const {
  QueueConfig config = options_.config;
  MutexLock lock(&mu_);
  config.events = events_;
  config.retention = retention_;
  return config;
}

void Queue::Change(std::vector<std::string> events, const RetentionConfig& retention) {
  MutexLock lock(&mu_);
  any_event_.store(events.empty(), std::memory_order_release);
  events_ = std::move(events);
  retention_ = retention;
  if (!durable()) ring_.set_bounds({retention.bytes, retention.messages, absl::ToInt64Microseconds(retention.age)});
}

bool Queue::WasPurged(uint64_t first) const {
  MutexLock lock(&mu_);
  return first <= purged_end_;
}

void Queue::PurgeLocked(uint64_t first) {
  purged_end_ = std::max(purged_end_, first);
  if (durable()) disk_first_ = std::max(disk_first_, first);
  ring_.TrimTo(first);
  TrimChannelsLocked(channel_list_.size());
  if (last_read_.first < ring_.first()) last_read_ = LastRead();
}

absl::StatusOr<uint64_t> Queue::Purge(uint64_t last) {
  uint64_t held;
  uint64_t end;
  {
    MutexLock lock(&mu_);
    held = FirstLocked();
    end = ring_.end();
  }
  if (last >= end) {
    return OutOfRange("POSITION_NOT_REACHED",
                      absl::StrCat("up_to_sequence: queue ", Quote(name()), " has not reached sequence ", last,
                                   "; its last one is ", end - 1),
                      {{"queue", name()}, {"value", absl::StrCat(last)}, {"bound", absl::StrCat(end - 1)}});
  }
  const uint64_t first = last == 0 ? end : last + 1;
  if (first <= held) return 0;
  uint64_t bytes = 0;
  if (durable()) {
    absl::Status status = disk().store->Trim(disk().number, first);
    if (!status.ok()) return status;
    auto left = disk().store->BytesOf(disk().number, first, end);
    if (left.ok()) bytes = *left;
  }
  MutexLock lock(&mu_);
  const uint64_t count = first - std::min(first, std::max(held, FirstLocked()));
  PurgeLocked(first);
  // What was published meanwhile is counted at the next look.
  disk_bytes_ = bytes;
  return count;
}

uint64_t Queue::Close() {
  MutexLock lock(&mu_);
  closed_.store(true, std::memory_order_release);
  const uint64_t count = ring_.end() - FirstLocked();
  PurgeLocked(ring_.end());
  for (Cursor* cursor : cursors_) cursor->subscriber->lane()->PostCursor(shared_from_this(), cursor);
  return count;
}

}  // namespace nmq::broker
