#include "server/queue/cursor_start.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"

namespace nmq::broker {
namespace {

void Resume(const MessageLog& log, const v1::QueuePosition& position, Cursor* cursor) {
  const bool present = position.epoch() == log.epoch();
  std::optional<uint64_t> end;  // of the position's epoch, if that is known
  if (present) {
    end = log.end();
  } else if (log.durable()) {
    end = log.disk().EndOfPast(position.epoch());
  }
  cursor->next = 1;
  if (end.has_value()) cursor->next = position.sequence() < *end ? position.sequence() + 1 : *end;
  // What is left of its epoch comes first; what follows that epoch is told when it comes.
  if (present || (end.has_value() && cursor->next < *end)) return;
  cursor->gaps.push_back(log.EndOfEpoch(position.epoch(), std::max(position.sequence(), position.sequence() + 1)));
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
  const auto found = start.found.find(log.queue());
  if (found != start.found.end() && found->second.epoch == log.epoch()) {
    cursor->next = std::clamp(found->second.sequence, log.first(), log.end());
    return;
  }
  switch (start.kind) {
    case Start::Kind::kNew:
      break;
    case Start::Kind::kEarliest:
    // All of a queue that was made since the last messages were looked for is later than those.
    case Start::Kind::kLast:
      cursor->next = log.first();
      break;
    case Start::Kind::kTime:
      cursor->next = log.FirstSince(start.monotonic_us);
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
