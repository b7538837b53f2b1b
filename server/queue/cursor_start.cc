#include "server/queue/cursor_start.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/queue/subscriber.h"

namespace nmq::broker {
namespace {

void Resume(const MessageLog& log, const v1::QueuePosition& position, Cursor* cursor) {
  if (position.epoch() == log.epoch()) {
    cursor->next = std::min(position.sequence() + 1, log.end());
    return;
  }
  v1::Gap gap;
  gap.set_queue(log.queue());
  gap.set_epoch(position.epoch());
  gap.set_first(std::max(position.sequence(), position.sequence() + 1));
  gap.set_reason(v1::GAP_REASON_EPOCH_CHANGED);
  cursor->gaps.push_back(std::move(gap));
  cursor->next = 1;
}

uint64_t LastOf(const MessageLog& log, const Cursor& cursor, uint64_t count) {
  const log::Ring& ring = log.ring();
  uint64_t next = ring.end();
  uint64_t found = 0;
  while (next > ring.first() && found < count) {
    --next;
    const log::Record& record = ring.at(next);
    found += Hears(cursor.filter, cursor.subscriber->memberships(), HearingOf(record), log.members()) &&
                     !log.Expired(record.audience.get())
                 ? 1
                 : 0;
  }
  return next;
}

}  // namespace

absl::Status CheckStart(const MessageLog& log, const Start& start) {
  const uint64_t end = log.end();
  uint64_t value = 0;
  uint64_t bound = end;
  if (start.kind == Start::Kind::kSequence) {
    value = start.number;
  } else if (start.kind == Start::Kind::kResume) {
    auto it = start.positions.find(log.queue());
    if (it != start.positions.end() && it->second.epoch() == log.epoch()) value = it->second.sequence();
    bound = end - 1;
  }
  if (value <= bound) return absl::OkStatus();
  return OutOfRange("POSITION_NOT_REACHED",
                    absl::StrCat("start: queue ", Quote(log.queue()), " has not reached sequence ", value,
                                 "; its next one is ", end, ", of epoch ", log.epoch()),
                    {{"queue", log.queue()}, {"value", absl::StrCat(value)}, {"bound", absl::StrCat(bound)}});
}

void PlaceCursor(const MessageLog& log, const Start& start, Cursor* cursor) {
  cursor->next = log.end();
  if (auto found = start.found.find(log.queue()); found != start.found.end()) {
    cursor->next = std::clamp(found->second, log.first(), log.end());
    return;
  }
  switch (start.kind) {
    case Start::Kind::kNew:
      break;
    case Start::Kind::kEarliest:
      cursor->next = log.first();
      break;
    case Start::Kind::kTime:
      cursor->next = log.FirstSince(start.monotonic_us);
      break;
    case Start::Kind::kLast:
      cursor->next = LastOf(log, *cursor, start.number);
      break;
    case Start::Kind::kSequence:
      cursor->next = std::min(start.number, log.end());
      break;
    case Start::Kind::kResume: {
      auto it = start.positions.find(log.queue());
      v1::QueuePosition beginning;
      beginning.set_epoch(log.epoch());
      Resume(log, it == start.positions.end() ? beginning : it->second, cursor);
      break;
    }
  }
  const uint64_t first = log.first();
  if (cursor->next < first) {
    cursor->gaps.push_back(log.GapOf(cursor->next, first, first - cursor->next, v1::GAP_REASON_NOT_HELD));
    cursor->next = first;
  }
}

}  // namespace nmq::broker
