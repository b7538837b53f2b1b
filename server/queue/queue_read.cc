// How cursors get on in a queue.
#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "server/message/entry.h"
#include "server/queue/queue.h"

namespace nmq::broker {
namespace {

// Messages looked at in one go; a reader that has to look at more lets others have the queue in between.
constexpr int kLooksMax = 8192;

// A channel that has something, and the sequence of that. The least sequence is the greatest of these.
struct PendingEar {
  uint64_t sequence;
  Ear* ear;
  bool operator<(const PendingEar& other) const { return sequence > other.sequence; }
};

bool Matches(const EventFilter& filter, absl::string_view event) {
  return std::any_of(filter.patterns.begin(), filter.patterns.end(),
                     [&](const Pattern* pattern) { return pattern->Matches(event); });
}

bool HasHeaders(const EventFilter& filter, const char* entry) {
  return filter.headers == nullptr ||
         std::all_of(filter.headers->begin(), filter.headers->end(), [&](const HeaderFilter& wanted) {
           return HasHeader(entry, wanted.name, wanted.value.has_value() ? &*wanted.value : nullptr);
         });
}

}  // namespace

// What a live queue has is for those who were members when it was published. What is on disk is also for those who are
// members when they read it.
bool Queue::IsMemberOfAny(const Memberships& memberships, const std::vector<uint64_t>& ids, uint64_t stamp) const {
  return std::any_of(ids.begin(), ids.end(), [&](uint64_t id) {
    return memberships.Contains(id, stamp) || (durable() && memberships.JoinStamp(id) != 0);
  });
}

bool Queue::Hears(const EventFilter& filter, const Memberships& memberships, const Hearing& message) const {
  if (message.audience != nullptr) {
    if (!message.audience->everyone && !IsMemberOfAny(memberships, message.audience->targets, message.stamp)) {
      return false;
    }
    if (IsMemberOfAny(memberships, message.audience->excepts, message.stamp)) return false;
  }
  return (filter.all || Matches(filter, EventOf(message.entry))) && HasHeaders(filter, message.entry);
}

bool Queue::Hears(const Cursor& cursor, const log::Record& record) const {
  return Hears(cursor.filter, cursor.subscriber->memberships(), HearingOf(record));
}

bool Queue::Passes(const Cursor& cursor, const Channel& channel, const log::Record& record) const {
  const char* const entry = ring_.data(record);
  if (cursor.filter.picks_events(channel) && !Matches(cursor.filter, EventOf(entry))) return false;
  if (!HasHeaders(cursor.filter, entry)) return false;
  return record.audience == nullptr || record.audience->excepts.empty() ||
         !IsMemberOfAny(cursor.subscriber->memberships(), record.audience->excepts, record.stamp);
}

bool Queue::Take(Cursor* cursor, const Piece& piece, uint64_t bytes_max, Delivery* delivery) {
  bool taken;
  Waiting* const waiting = cursor->waiting.get();
  const Waiting::Run* const run = waiting == nullptr ? nullptr : waiting->DroppedAt(piece.sequence);
  if (run != nullptr) {
    TellDropped(cursor, *run, delivery);
    return false;
  }
  if (Expired(piece.audience)) {
    taken = AddMissing(piece.sequence, v1::GAP_REASON_EXPIRED, delivery);
  } else if (waiting != nullptr && waiting->by_key() &&
             waiting->Superseded(piece.sequence, KeyOf(piece.chunk->data() + piece.offset))) {
    taken = AddMissing(piece.sequence, v1::GAP_REASON_SUPERSEDED, delivery);
  } else {
    taken = Add(piece, bytes_max, delivery);
  }
  if (taken) cursor->reported = piece.sequence;
  return taken;
}

void Queue::TellDropped(Cursor* cursor, const Waiting::Run& run, Delivery* delivery) {
  if (!delivery->empty()) return;
  delivery->gap = GapLocked(run.first, run.last + 1, run.count, v1::GAP_REASON_DROPPED_NEWEST);
  delivery->has_gap = true;
  cursor->reported = run.last;
  PassOverLocked(cursor, run.last);
}

// Goes on behind `last`.
void Queue::PassOverLocked(Cursor* cursor, uint64_t last) {
  cursor->next = last + 1;
  if (cursor->scanning) return;
  for (Ear& ear : cursor->ears) {
    uint64_t end = ear.end();
    ear.next = std::max(ear.next, std::min(ear.channel->base, end));
    while (ear.next < end) {
      const uint64_t middle = ear.next + (end - ear.next) / 2;
      if (ear.channel->at(middle) <= last) {
        ear.next = middle + 1;
      } else {
        end = middle;
      }
    }
  }
}

// Neighbours that are missing for the same reason are one gap; what lies between them is not for the cursor.
bool Queue::AddMissing(uint64_t sequence, v1::GapReason reason, Delivery* delivery) const {
  v1::Gap& gap = delivery->gap;
  if (delivery->empty()) {
    gap = GapLocked(sequence, sequence + 1, 1, reason);
    delivery->has_gap = true;
    return true;
  }
  if (!delivery->has_gap || gap.reason() != reason || gap.queue() != name()) return false;
  gap.set_last(sequence);
  gap.set_count(gap.count() + 1);
  return true;
}

bool Queue::Add(const Piece& piece, uint64_t bytes_max, Delivery* delivery) {
  if (delivery->has_gap || (delivery->messages > 0 && delivery->bytes + piece.length > bytes_max)) return false;
  delivery->bytes += piece.length;
  ++delivery->messages;
  if (!delivery->ranges.empty()) {
    log::ByteRange& last = delivery->ranges.back();
    if (last.chunk.get() == piece.chunk && last.offset + last.length == piece.offset) {
      last.length += piece.length;
      return true;
    }
  }
  piece.chunk->Ref();
  delivery->ranges.push_back({log::ChunkRef::Adopt(piece.chunk), piece.offset, piece.length});
  return true;
}

bool Queue::Read(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  MutexLock lock(&mu_);
  if (cursor->gaps.empty()) TellLostLocked(cursor);
  if (!cursor->gaps.empty()) {
    if (!delivery->empty()) return true;
    delivery->gap = std::move(cursor->gaps.front());
    delivery->has_gap = true;
    cursor->gaps.erase(cursor->gaps.begin());
    cursor->reported = cursor->gaps.empty() ? cursor->next - 1 : delivery->gap.last();
    return true;
  }
  const bool more =
      cursor->scanning ? ReadScanning(cursor, bytes_max, delivery) : ReadChannels(cursor, bytes_max, delivery);
  if (cursor->waiting != nullptr) cursor->waiting->Passed(cursor->next);
  if (!more && closed_.load(std::memory_order_relaxed) && !PendingLocked(*cursor)) cursor->done = true;
  return more;
}

// What the queue gave up. Of that, what came while too many waited was dropped before, and is told so.
void Queue::TellLostLocked(Cursor* cursor) {
  SkipLostLocked(cursor);
  if (cursor->lost == 0) return;
  const uint64_t end = LossEndLocked(*cursor);
  const Waiting* const waiting = cursor->waiting.get();
  const auto tell_slow = [&](uint64_t first, uint64_t after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (first >= after) return;
    // What several of its channels had was counted for each.
    uint64_t count = std::min(cursor->lost, after - first);
    const bool counted = waiting != nullptr && !waiting->dropped().empty() && !cursor->scanning;
    if (counted) count = std::min(count, waiting->CountIn(first, after));
    if (count > 0) cursor->gaps.push_back(GapLocked(first, after, count, LossReasonLocked(after)));
  };
  for (size_t i = 0; waiting != nullptr && i < waiting->dropped().size(); ++i) {
    const Waiting::Run& run = waiting->dropped()[i];
    if (run.first >= end) break;
    tell_slow(cursor->next, run.first);
    cursor->gaps.push_back(GapLocked(run.first, run.last + 1, run.count, v1::GAP_REASON_DROPPED_NEWEST));
    PassOverLocked(cursor, run.last);
  }
  tell_slow(cursor->next, end);
  cursor->next = std::max(cursor->next, end);
  cursor->lost = 0;
  if (waiting != nullptr) cursor->waiting->Passed(cursor->next);
}

// Counts the messages that the cursor could have heard and that are no longer held.
void Queue::SkipLostLocked(Cursor* cursor) {
  for (Ear& ear : cursor->ears) {
    if (cursor->scanning) break;
    ear.channel->Trim(ring_.first());
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
  if (cursor->scanning) cursor->lost = FirstLocked() - std::min(cursor->next, FirstLocked());
}

bool Queue::HasLost(const Cursor& cursor) const {
  MutexLock lock(&mu_);
  const uint64_t first = ring_.first();
  const auto slow = [](const v1::Gap& gap) { return gap.reason() == v1::GAP_REASON_SLOW_SUBSCRIBER; };
  if (std::any_of(cursor.gaps.begin(), cursor.gaps.end(), slow)) return true;
  // What was purged, or deleted, is nobody's fault.
  if (LossReasonLocked(LossEndLocked(cursor)) != v1::GAP_REASON_SLOW_SUBSCRIBER) return false;
  if (cursor.lost > 0) return true;
  if (cursor.scanning || cursor.hold) return cursor.next < FirstLocked();
  return std::any_of(cursor.ears.begin(), cursor.ears.end(), [&](const Ear& ear) {
    return ear.pending() && (ear.next < ear.channel->base || ear.channel->at(ear.next) < first);
  });
}

bool Queue::ReadScanning(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  if (durable() && cursor->next < ring_.first()) {
    const BlockRead read = ReadBlocks(cursor, bytes_max, delivery);
    if (read != BlockRead::kDone) return read == BlockRead::kFull;
  }
  for (int looks = 0; looks < kLooksMax && cursor->next < ring_.end(); ++looks) {
    const log::Record& record = ring_.at(cursor->next);
    if (Hears(*cursor, record) && !Take(cursor, PieceOf(record, cursor->next), bytes_max, delivery)) return true;
    ++cursor->next;
  }
  if (cursor->next < ring_.end()) return true;
  cursor->scanning = false;
  cursor->block = nullptr;
  cursor->block_ahead = nullptr;
  for (Ear& ear : cursor->ears) ear.next = ear.end();
  CaughtUp(cursor);
  return false;
}

bool Queue::ReadChannels(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  // A heap with the least sequence in front: a client may be in many rooms.
  absl::InlinedVector<PendingEar, 8> pending;
  for (Ear& ear : cursor->ears) {
    if (ear.pending()) pending.push_back({ear.channel->at(ear.next), &ear});
  }
  if (pending.size() == 1) return ReadChannel(cursor, pending.front().ear, bytes_max, delivery);
  std::make_heap(pending.begin(), pending.end());
  for (int looks = 0; looks < kLooksMax && !pending.empty(); ++looks) {
    const uint64_t sequence = pending.front().sequence;
    const log::Record& record = ring_.at(sequence);
    const Channel& channel = *pending.front().ear->channel;
    if (Passes(*cursor, channel, record) && !Take(cursor, PieceOf(record, sequence), bytes_max, delivery)) return true;
    cursor->next = sequence + 1;
    // A message for several rooms of the client stands in each of their channels.
    while (!pending.empty() && pending.front().sequence == sequence) {
      std::pop_heap(pending.begin(), pending.end());
      Ear* ear = pending.back().ear;
      ++ear->next;
      if (ear->pending()) {
        pending.back().sequence = ear->channel->at(ear->next);
        std::push_heap(pending.begin(), pending.end());
      } else {
        pending.pop_back();
      }
    }
  }
  if (!pending.empty()) return true;
  CaughtUp(cursor);
  return false;
}

// The same for one channel.
bool Queue::ReadChannel(Cursor* cursor, Ear* ear, uint64_t bytes_max, Delivery* delivery) {
  const Channel& channel = *ear->channel;
  bool alike = delivery->empty() && !cursor->filter.picks(channel) && cursor->waiting == nullptr;
  alike = alike && channel.ListenerCount() > 1;
  const uint64_t begin = ear->next;
  const LastRead& known = last_read_;
  if (alike && known.channel == &channel && known.begin == begin && known.end <= ear->end() &&
      known.bytes_max == bytes_max) {
    delivery->ranges = known.ranges;
    delivery->bytes = known.bytes;
    delivery->messages = known.messages;
    ear->next = known.end;
    cursor->reported = known.last;
  }
  const uint64_t end = std::min(ear->end(), ear->next + kLooksMax);
  bool full = false;
  while (ear->next < end && !full) {
    const uint64_t sequence = channel.at(ear->next);
    const log::Record& record = ring_.at(sequence);
    const log::Audience* audience = record.audience.get();
    if (audience != nullptr && (!audience->excepts.empty() || audience->expire_us != 0)) alike = false;
    full = Passes(*cursor, channel, record) && !Take(cursor, PieceOf(record, sequence), bytes_max, delivery);
    if (!full) ++ear->next;
  }
  if (ear->next == begin) return true;
  cursor->next = channel.at(ear->next - 1) + 1;
  if (alike && (known.channel != &channel || known.begin != begin || known.end != ear->next)) {
    last_read_ = {&channel,         begin,           ear->next,         channel.at(begin), cursor->reported, bytes_max,
                  delivery->ranges, delivery->bytes, delivery->messages};
  }
  if (ear->pending()) return true;
  CaughtUp(cursor);
  return false;
}

void Queue::CaughtUp(Cursor* cursor) {
  cursor->next = ring_.end();
  if (cursor->waiting != nullptr) cursor->waiting->Clear();
  DropDoneEars(cursor);
}

// Whether it is for a room that the client left, and all that was for it has been heard. A cursor that scans hears
// nothing through channels.
bool Queue::IsDone(const Cursor& cursor, const Ear& ear) { return !ear.open() && (cursor.scanning || !ear.pending()); }

void Queue::DropDoneEars(Cursor* cursor) {
  if (cursor->closed_ears == 0) return;
  auto& ears = cursor->ears;
  ears.erase(std::remove_if(ears.begin(), ears.end(), [&](const Ear& ear) { return IsDone(*cursor, ear); }),
             ears.end());
  cursor->closed_ears = std::count_if(ears.begin(), ears.end(), [](const Ear& ear) { return !ear.open(); });
}

bool Queue::PendingLocked(const Cursor& cursor) const {
  return cursor.scanning || cursor.lost > 0 || !cursor.gaps.empty() ||
         std::any_of(cursor.ears.begin(), cursor.ears.end(), [](const Ear& ear) { return ear.pending(); });
}

bool Queue::TakeProgress(Cursor* cursor, v1::QueuePosition* position) {
  MutexLock lock(&mu_);
  if (PendingLocked(*cursor) || cursor->reported + 1 >= ring_.end()) return false;
  CaughtUp(cursor);
  cursor->reported = ring_.end() - 1;
  position->set_queue(name());
  position->set_epoch(options_.epoch);
  position->set_sequence(cursor->reported);
  return true;
}

}  // namespace nmq::broker
