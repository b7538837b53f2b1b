#include "server/queue/cursor_loss.h"

#include <algorithm>

namespace nmq::broker {
namespace {

// Where a cursor goes on that has lost messages.
uint64_t LossEnd(const MessageLog& log, const Cursor& cursor) {
  return cursor.scanning ? log.first() : log.ring().first();
}

}  // namespace

void SkipLost(const MessageLog& log, Cursor* cursor) {
  const uint64_t first_in_ring = log.ring().first();
  for (Ear& ear : cursor->ears) {
    if (cursor->scanning) break;
    ear.channel->Trim(first_in_ring);
    const uint64_t begin = std::min(ear.channel->base, ear.limit);
    if (ear.next >= begin) continue;
    if (cursor->hold) {
      cursor->scanning = true;
      cursor->lost = 0;
    } else {
      cursor->lost += begin - ear.next;
      ear.next = begin;
    }
  }
  if (cursor->scanning) cursor->lost = log.first() - std::min(cursor->next, log.first());
}

void TellLost(const MessageLog& log, Cursor* cursor) {
  SkipLost(log, cursor);
  if (cursor->lost == 0) return;
  const uint64_t end = LossEnd(log, *cursor);
  Waiting* const waiting = cursor->waiting.get();
  const auto tell_slow = [&](uint64_t first, uint64_t after) {
    if (first >= after) return;
    // What several of its channels had was counted for each.
    uint64_t count = std::min(cursor->lost, after - first);
    const bool counted = waiting != nullptr && !waiting->dropped().empty() && !cursor->scanning;
    if (counted) count = std::min(count, waiting->CountIn(first, after));
    if (count > 0) cursor->gaps.push_back(log.GapOf(first, after, count, log.LossReason(after)));
  };
  for (size_t i = 0; waiting != nullptr && i < waiting->dropped().size(); ++i) {
    const Waiting::Run& run = waiting->dropped()[i];
    if (run.first >= end) break;
    tell_slow(cursor->next, run.first);
    cursor->gaps.push_back(log.GapOf(run.first, run.last + 1, run.count, v1::GAP_REASON_DROPPED_NEWEST));
    cursor->PassOver(run.last);
  }
  tell_slow(cursor->next, end);
  cursor->next = std::max(cursor->next, end);
  cursor->lost = 0;
  if (waiting != nullptr) waiting->Passed(cursor->next);
}

bool HasLost(const MessageLog& log, const Cursor& cursor) {
  const uint64_t first = log.ring().first();
  const auto slow = [](const v1::Gap& gap) { return gap.reason() == v1::GAP_REASON_SLOW_SUBSCRIBER; };
  if (std::any_of(cursor.gaps.begin(), cursor.gaps.end(), slow)) return true;
  // That something was purged, or deleted, is no slowness.
  if (log.LossReason(LossEnd(log, cursor)) != v1::GAP_REASON_SLOW_SUBSCRIBER) return false;
  if (cursor.lost > 0) return true;
  if (cursor.scanning || cursor.hold) return cursor.next < log.first();
  return std::any_of(cursor.ears.begin(), cursor.ears.end(), [&](const Ear& ear) {
    return ear.pending() && (ear.next < ear.channel->base || ear.channel->at(ear.next) < first);
  });
}

}  // namespace nmq::broker
