// Where in a queue a subscription starts.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/queue/queue.h"

namespace nmq::broker {

absl::Status Queue::CheckStart(const Start& start) const {
  MutexLock lock(&mu_);
  const uint64_t end = ring_.end();
  uint64_t value = 0;
  uint64_t bound = end;
  if (start.kind == Start::Kind::kSequence) {
    value = start.number;
  } else if (start.kind == Start::Kind::kResume) {
    auto it = start.positions.find(name());
    if (it != start.positions.end() && it->second.epoch() == options_.epoch) value = it->second.sequence();
    bound = end - 1;
  }
  if (value <= bound) return absl::OkStatus();
  return OutOfRange("POSITION_NOT_REACHED",
                    absl::StrCat("start: queue ", Quote(name()), " has not reached sequence ", value,
                                 "; its next one is ", end, ", of epoch ", options_.epoch),
                    {{"queue", name()}, {"value", absl::StrCat(value)}, {"bound", absl::StrCat(bound)}});
}

void Queue::Attach(Cursor* cursor, const Start& start, absl::Span<const uint64_t> targets,
                   v1::QueuePosition* position) {
  MutexLock lock(&mu_);
  cursors_.insert(cursor);
  cursor->hold = durable() && cursor->subscriber->holds();
  cursor->waiting = cursor->subscriber->NewWaiting();
  for (uint64_t target : targets) AddTargetLocked(cursor, target);
  StartLocked(cursor, start);
  cursor->scanning = cursor->next < ring_.end();
  cursor->reported = cursor->next - 1;
  position->set_queue(name());
  position->set_epoch(options_.epoch);
  position->set_sequence(cursor->reported);
  if (cursor->gaps.empty()) return;
  // The stream may break before the gap arrives: whoever goes on from here is told of it again.
  position->set_epoch(cursor->gaps.front().epoch());
  position->set_sequence(cursor->gaps.front().first() - 1);
}

void Queue::StartLocked(Cursor* cursor, const Start& start) {
  cursor->next = ring_.end();
  if (auto found = start.found.find(name()); found != start.found.end()) {
    cursor->next = std::clamp(found->second, FirstLocked(), ring_.end());
    return;
  }
  switch (start.kind) {
    case Start::Kind::kNew:
      break;
    case Start::Kind::kEarliest:
      cursor->next = FirstLocked();
      break;
    case Start::Kind::kTime:
      cursor->next = FirstSinceLocked(start.monotonic_us);
      break;
    case Start::Kind::kLast:
      cursor->next = LastOfLocked(*cursor, start.number);
      break;
    case Start::Kind::kSequence:
      cursor->next = std::min(start.number, ring_.end());
      break;
    case Start::Kind::kResume: {
      auto it = start.positions.find(name());
      v1::QueuePosition beginning;
      beginning.set_epoch(options_.epoch);
      ResumeLocked(cursor, it == start.positions.end() ? beginning : it->second);
      break;
    }
  }
  const uint64_t first = FirstLocked();
  if (cursor->next < first) {
    cursor->gaps.push_back(GapLocked(cursor->next, first, first - cursor->next, v1::GAP_REASON_NOT_HELD));
    cursor->next = first;
  }
}

// The first message of the ring that is not older than `time_us`.
uint64_t Queue::FirstSinceLocked(int64_t time_us) const {
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

void Queue::ResumeLocked(Cursor* cursor, const v1::QueuePosition& position) {
  if (position.epoch() == options_.epoch) {
    cursor->next = std::min(position.sequence() + 1, ring_.end());
    return;
  }
  v1::Gap gap;
  gap.set_queue(name());
  gap.set_epoch(position.epoch());
  gap.set_first(std::max(position.sequence(), position.sequence() + 1));
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  cursor->gaps.push_back(std::move(gap));
  cursor->next = 1;
}

uint64_t Queue::LastOfLocked(const Cursor& cursor, uint64_t count) const {
  uint64_t next = ring_.end();
  uint64_t found = 0;
  while (next > ring_.first() && found < count) {
    --next;
    const log::Record& record = ring_.at(next);
    found += Hears(cursor, record) && !Expired(record.audience.get()) ? 1 : 0;
  }
  return next;
}

}  // namespace nmq::broker
