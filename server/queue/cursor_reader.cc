#include "server/queue/cursor_reader.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "server/message/entry.h"
#include "server/queue/cursor_loss.h"
#include "server/queue/hearing.h"
#include "server/queue/subscriber.h"

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

Piece PieceOf(const log::Record& record, uint64_t sequence) {
  return {sequence, record.audience.get(), record.chunk, record.offset, record.length};
}

}  // namespace

bool CursorReader::Read(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  if (cursor->gaps.empty()) TellLost(log_, cursor);
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
  return more;
}

bool CursorReader::Take(Cursor* cursor, const Piece& piece, uint64_t bytes_max, Delivery* delivery) const {
  bool taken;
  Waiting* const waiting = cursor->waiting.get();
  const Waiting::Run* const run = waiting == nullptr ? nullptr : waiting->DroppedAt(piece.sequence);
  if (run != nullptr) {
    TellDropped(cursor, *run, delivery);
    return false;
  }
  if (log_.Expired(piece.audience)) {
    taken = AddMissing(piece.sequence, v1::GAP_REASON_EXPIRED, delivery);
  } else if (waiting != nullptr && waiting->by_key() &&
             waiting->Superseded(piece.sequence, KeyOf(piece.chunk->data() + piece.offset))) {
    taken = AddMissing(piece.sequence, v1::GAP_REASON_SUPERSEDED, delivery);
  } else {
    taken = delivery->Add(piece, bytes_max);
  }
  if (taken) cursor->reported = piece.sequence;
  return taken;
}

void CursorReader::TellDropped(Cursor* cursor, const Waiting::Run& run, Delivery* delivery) const {
  if (!delivery->empty()) return;
  delivery->gap = log_.GapOf(run.first, run.last + 1, run.count, v1::GAP_REASON_DROPPED_NEWEST);
  delivery->has_gap = true;
  cursor->reported = run.last;
  cursor->PassOver(run.last);
}

// Neighbours that are missing for the same reason are one gap; what lies between them is not for the cursor.
bool CursorReader::AddMissing(uint64_t sequence, v1::GapReason reason, Delivery* delivery) const {
  v1::Gap& gap = delivery->gap;
  if (delivery->empty()) {
    gap = log_.GapOf(sequence, sequence + 1, 1, reason);
    delivery->has_gap = true;
    return true;
  }
  if (!delivery->has_gap || gap.reason() != reason || gap.queue() != log_.queue()) return false;
  gap.set_last(sequence);
  gap.set_count(gap.count() + 1);
  return true;
}

bool CursorReader::ReadScanning(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  const log::Ring& ring = log_.ring();
  if (log_.durable() && cursor->next < ring.first()) {
    const BlockRead read = ReadBlocks(cursor, bytes_max, delivery);
    if (read != BlockRead::kDone) return read == BlockRead::kFull;
  }
  const Memberships& memberships = cursor->subscriber->memberships();
  for (int looks = 0; looks < kLooksMax && cursor->next < ring.end(); ++looks) {
    const log::Record& record = ring.at(cursor->next);
    if (Hears(cursor->filter, memberships, HearingOf(record), log_.members()) &&
        !Take(cursor, PieceOf(record, cursor->next), bytes_max, delivery)) {
      return true;
    }
    ++cursor->next;
  }
  if (cursor->next < ring.end()) return true;
  cursor->scanning = false;
  cursor->block = nullptr;
  cursor->block_ahead = nullptr;
  for (Ear& ear : cursor->ears) ear.next = ear.end();
  CaughtUp(cursor);
  return false;
}

bool CursorReader::ReadChannels(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  // A heap with the least sequence in front: a client may be in many rooms.
  absl::InlinedVector<PendingEar, 8> pending;
  for (Ear& ear : cursor->ears) {
    if (ear.pending()) pending.push_back({ear.channel->at(ear.next), &ear});
  }
  if (pending.size() == 1) return ReadChannel(cursor, pending.front().ear, bytes_max, delivery);
  std::make_heap(pending.begin(), pending.end());
  const Memberships& memberships = cursor->subscriber->memberships();
  for (int looks = 0; looks < kLooksMax && !pending.empty(); ++looks) {
    const uint64_t sequence = pending.front().sequence;
    const log::Record& record = log_.ring().at(sequence);
    const Channel& channel = *pending.front().ear->channel;
    if (Passes(cursor->filter, memberships, channel, HearingOf(record), log_.members()) &&
        !Take(cursor, PieceOf(record, sequence), bytes_max, delivery)) {
      return true;
    }
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
bool CursorReader::ReadChannel(Cursor* cursor, Ear* ear, uint64_t bytes_max, Delivery* delivery) {
  const log::Ring& ring = log_.ring();
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
  const Memberships& memberships = cursor->subscriber->memberships();
  const uint64_t end = std::min(ear->end(), ear->next + kLooksMax);
  bool full = false;
  while (ear->next < end && !full) {
    const uint64_t sequence = channel.at(ear->next);
    const log::Record& record = ring.at(sequence);
    const log::Audience* audience = record.audience.get();
    if (audience != nullptr && (!audience->excepts.empty() || audience->expire_us != 0)) alike = false;
    full = Passes(cursor->filter, memberships, channel, HearingOf(record), log_.members()) &&
           !Take(cursor, PieceOf(record, sequence), bytes_max, delivery);
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

void CursorReader::CaughtUp(Cursor* cursor) const {
  cursor->next = log_.end();
  if (cursor->waiting != nullptr) cursor->waiting->Clear();
  cursor->DropDoneEars();
}

bool CursorReader::TakeProgress(Cursor* cursor, v1::QueuePosition* position) const {
  if (cursor->pending() || cursor->reported + 1 >= log_.end()) return false;
  CaughtUp(cursor);
  cursor->reported = log_.end() - 1;
  log_.SetPosition(cursor->reported, position);
  return true;
}

uint64_t CursorReader::Lag(const Cursor& cursor) const {
  if (cursor.scanning) return log_.end() - std::max(cursor.next, log_.first());
  uint64_t lag = cursor.lost;
  for (const Ear& ear : cursor.ears) lag += ear.end() - ear.next;
  return lag;
}

}  // namespace nmq::broker
