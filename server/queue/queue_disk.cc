// How queues that have their messages on disk are written, read and trimmed.
#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/message/entry.h"
#include "server/queue/queue.h"
#include "server/queue/request_id_store.h"

namespace nmq::broker {
namespace {

// What is read at a time for a cursor; it has up to two such blocks.
constexpr uint64_t kBlockBytes = 256 << 10;

// Messages of a block looked at in one go.
constexpr int kLooksMax = 4096;

// How far back the last messages for somebody are looked for: so many, or this many times those that are wanted.
constexpr uint64_t kLookBackMin = 100'000;
constexpr uint64_t kLookBackFactor = 10;
constexpr uint64_t kLookBackStepMin = 16;
constexpr uint64_t kLookBackStepMax = 4096;

bool HasId(const Queue::Outgoing& message) { return !message.request_id.empty(); }

}  // namespace

void Queue::RestoreRequestIds(absl::Time now, int64_t now_us) {
  const int64_t wall_us = absl::ToUnixMicros(now);
  MutexLock lock(&mu_);
  restored_ =
      LoadRequestIds(*options_.disk->store, options_.disk->number,
                     [&](absl::string_view id, uint64_t sequence, int64_t time_us) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                       // The clock may have been set back.
                       const int64_t age_us = std::max<int64_t>(0, wall_us - time_us);
                       request_ids_.Restore(id, sequence, now_us - age_us);
                     });
  request_ids_.Trim(now_us);
  if (restored_.ok()) return;
  restored_ = WithContext(restored_, absl::StrCat("request_id: queue ", Quote(name())));
  LOG(ERROR) << restored_;
}

absl::Status Queue::CheckPrepare(absl::Span<const Outgoing> messages) const {
  if (closed_.load(std::memory_order_acquire)) {
    return NotFound("QUEUE_DELETED", absl::StrCat("queue ", Quote(name()), " was deleted"), {{"queue", name()}});
  }
  if (!restored_.ok() && std::any_of(messages.begin(), messages.end(), HasId)) return restored_;
  return options_.disk->store->health();
}

absl::Status Queue::CheckLast(const Outgoing& message, uint64_t expected_last, int64_t now_us) const {
  const uint64_t last = next_sequence_ - 1;
  if (expected_last == last) return absl::OkStatus();
  MutexLock lock(&mu_);
  if (HasId(message) && request_ids_.Find(message.request_id, now_us).has_value()) return absl::OkStatus();
  return SequenceMismatch(name(), expected_last, last);
}

void Queue::NoteRequestIds(absl::Span<const Outgoing> messages, int64_t now_us, log::Store::Batch* batch,
                           Prepared* prepared) {
  uint64_t sequence = prepared->first;
  MutexLock lock(&mu_);
  for (const Outgoing& message : messages) {
    if (HasId(message)) {
      if (const auto earlier = request_ids_.Find(message.request_id, now_us)) {
        prepared->duplicates.push_back({message.index, *earlier});
        continue;
      }
      request_ids_.Add(message.request_id, sequence, now_us);
      PutRequestId(options_.disk->number, sequence, last_time_us_, message.request_id, batch);
    }
    ++sequence;
  }
}

void Queue::Prepare(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us, absl::string_view publisher,
                    absl::string_view reply_to, log::Store::Batch* batch, Prepared* prepared) {
  // The store finds messages by their time, so it must not go back when the clock does.
  last_time_us_ = std::max(last_time_us_, absl::ToUnixMicros(time));
  EntrySuffix suffix(epoch(), absl::FromUnixMicros(last_time_us_), publisher, reply_to);
  prepared->first = next_sequence_;
  if (std::any_of(messages.begin(), messages.end(), HasId)) NoteRequestIds(messages, now_us, batch, prepared);
  prepared->entries.reserve(messages.size() - prepared->duplicates.size());
  auto duplicate = prepared->duplicates.begin();
  std::string audience;
  for (const Outgoing& message : messages) {
    if (duplicate != prepared->duplicates.end() && duplicate->index == message.index) {
      ++duplicate;
      continue;
    }
    suffix.SetSequence(next_sequence_);
    const size_t size = suffix.EntrySize(message.body.size());
    const size_t offset = prepared->bytes.size();
    prepared->bytes.resize(offset + size);
    suffix.WriteEntry(message.body, prepared->bytes.data() + offset);
    const uint64_t stamp = options_.stamps->fetch_add(1, std::memory_order_acq_rel) + 1;
    if (message.audience != nullptr) audience = log::EncodeAudience(*message.audience);
    log::StoredMessage stored;
    stored.sequence = next_sequence_++;
    stored.time_us = last_time_us_;
    stored.stamp = stamp;
    stored.audience = message.audience == nullptr ? absl::string_view() : audience;
    stored.entry = absl::string_view(prepared->bytes).substr(offset, size);
    batch->Append(options_.disk->number, stored);
    prepared->entries.push_back({message.event, message.audience, size, stamp});
  }
}

Queue::Appended Queue::Publish(Prepared* prepared, int64_t now_us, bool count_matches, Heard* heard) {
  Touched touched;
  Appended appended;
  appended.first = prepared->first;
  appended.duplicates = std::move(prepared->duplicates);
  const char* at = prepared->bytes.data();
  MutexLock lock(&mu_);
  for (Prepared::Entry& entry : prepared->entries) {
    const uint64_t sequence = ring_.end();
    memcpy(ring_.Append(entry.size, entry.stamp, now_us, entry.audience), at, entry.size);
    if (heard != nullptr) AddHeard({entry.stamp, entry.audience.get(), at}, heard);
    at += entry.size;
    AppendToChannels(entry.audience.get(), entry.event, sequence, &touched);
    if (count_matches) appended.matched += CountMatchesLocked(sequence);
  }
  appended.last = ring_.end() - 1;
  disk_bytes_ += prepared->bytes.size() + prepared->entries.size() * log::Store::kBookkeepingBytes;
  TrimLocked(now_us, prepared->entries.size());
  counters_.Published(prepared->entries.size(), prepared->bytes.size());
  PostLocked(touched);
  return appended;
}

void Queue::TakeBack(const Prepared& prepared) {
  next_sequence_ = prepared.first;
  MutexLock lock(&mu_);
  request_ids_.TakeBack(prepared.first);
}

bool Queue::HasIdsToDrop() const {
  MutexLock lock(&mu_);
  return request_ids_.forgotten() > dropped_;
}

void Queue::DropRequestIds(log::Store::Batch* batch) {
  MutexLock lock(&mu_);
  dropping_ = std::max(dropped_, request_ids_.forgotten());
  if (dropping_ > dropped_) DeleteRequestIds(options_.disk->number, dropped_ + 1, dropping_ + 1, batch);
}

void Queue::NoteDropped() {
  MutexLock lock(&mu_);
  dropped_ = dropping_;
}

log::Store::Extent Queue::Held() const {
  log::Store::Extent extent;
  MutexLock lock(&mu_);
  extent.first = FirstLocked();
  extent.end = ring_.end();
  return extent;
}

std::shared_ptr<const log::Block> Queue::BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const {
  MutexLock lock(&mu_);
  end = std::min(end, ring_.end());
  if (from < ring_.first() || from >= end) return nullptr;
  uint64_t last = from;
  uint64_t entries = 0;
  for (; last < end && (last == from || entries + ring_.at(last).length <= bytes_max); ++last) {
    entries += ring_.at(last).length;
  }
  auto block = std::make_shared<log::Block>();
  block->first = from;
  block->items.reserve(last - from);
  std::string audiences;
  uint64_t offset = 0;
  for (uint64_t sequence = from; sequence < last; ++sequence) {
    const log::Record& record = ring_.at(sequence);
    const std::string audience = record.audience == nullptr ? "" : log::EncodeAudience(*record.audience);
    block->items.push_back({0, record.stamp, static_cast<uint32_t>(entries + audiences.size()),
                            static_cast<uint32_t>(audience.size()), static_cast<uint32_t>(offset), record.length});
    audiences += audience;
    offset += record.length;
  }
  block->chunk = log::ChunkRef::Adopt(new log::Chunk(entries + audiences.size()));
  for (uint64_t sequence = from; sequence < last; ++sequence) {
    const log::Record& record = ring_.at(sequence);
    memcpy(block->chunk->Extend(record.length), log::Ring::data(record), record.length);
  }
  std::copy(audiences.begin(), audiences.end(), block->chunk->Extend(audiences.size()));
  return block;
}

void Queue::AddFollower(std::weak_ptr<Follower> follower) {
  MutexLock lock(&mu_);
  followers_.push_back(std::move(follower));
  has_followers_.store(true, std::memory_order_release);
}

void Queue::WakeFollowers() {
  if (!has_followers_.load(std::memory_order_acquire)) return;
  std::vector<std::shared_ptr<Follower>> followers;
  {
    MutexLock lock(&mu_);
    for (const auto& weak : followers_) {
      if (auto follower = weak.lock(); follower != nullptr) followers.push_back(std::move(follower));
    }
  }
  for (const auto& follower : followers) follower->Wake();
}

absl::Status Queue::TrimDisk(absl::Time now) {
  uint64_t first;
  uint64_t end;
  int64_t oldest_us;
  RetentionConfig retention;
  {
    MutexLock lock(&mu_);
    if (closed_) return absl::OkStatus();
    retention = retention_;
    first = disk_first_;
    end = ring_.end();
    oldest_us = disk_oldest_us_;
  }
  log::Store& store = *options_.disk->store;
  const uint64_t number = options_.disk->number;
  auto bytes = store.BytesOf(number, first, end);
  if (!bytes.ok()) return bytes.status();
  uint64_t keep = first;
  if (end - first > retention.messages) keep = end - retention.messages;
  const int64_t since_us = absl::ToUnixMicros(now - retention.age);
  if (oldest_us < since_us && first < end) {
    auto found = store.FindTime(number, first, end, since_us);
    if (!found.ok()) return found.status();
    keep = std::max(keep, *found);
    oldest_us = since_us;
    if (*found < end) {
      auto block = store.Read(number, *found, *found + 1, 1);
      if (!block.ok()) return block.status();
      oldest_us = (*block)->items.front().time_us;
    }
  }
  if (*bytes > retention.bytes) {
    auto found = store.FindBytes(number, first, end, retention.bytes);
    if (!found.ok()) return found.status();
    keep = std::max(keep, *found);
  }
  if (keep > first) {
    absl::Status status = store.Trim(number, keep);
    if (!status.ok()) return status;
    bytes = store.BytesOf(number, keep, end);
    if (!bytes.ok()) return bytes.status();
  }
  MutexLock lock(&mu_);
  disk_oldest_us_ = oldest_us;
  // What was published meanwhile is counted at the next look.
  disk_bytes_ = *bytes;
  if (keep <= disk_first_) return absl::OkStatus();
  disk_first_ = keep;
  ring_.TrimTo(keep);
  TrimChannelsLocked(channel_list_.size());
  if (last_read_.first < ring_.first()) last_read_ = LastRead();
  return absl::OkStatus();
}

Queue::Hearing Queue::HearingOf(const log::Block& block, uint64_t sequence, log::Audience* audience) const {
  Hearing hearing;
  // Stamps of an earlier run of the server are before all of this.
  hearing.stamp = sequence < options_.disk->extent.end ? 0 : block.item(sequence).stamp;
  hearing.entry = block.entry(sequence).data();
  hearing.audience = nullptr;
  if (block.audience(sequence).empty()) return hearing;
  // What cannot be read is for nobody.
  if (!log::DecodeAudience(block.audience(sequence), audience)) {
    *audience = log::Audience();
  }
  hearing.audience = audience;
  return hearing;
}

void Queue::AskForBlock(Cursor* cursor, uint64_t from) {
  if (cursor->loading) return;
  cursor->loading = true;
  options_.disk->reader->Post([queue = shared_from_this(), cursor, subscriber = cursor->subscriber->weak_from_this(),
                               from, end = ring_.first()] { queue->LoadBlock(cursor, subscriber.lock(), from, end); });
}

// The cursor may be gone, and another one in its place.
bool Queue::IsCursorOf(const Cursor* cursor, const Subscriber& subscriber) const {
  return cursors_.contains(cursor) && cursor->subscriber == &subscriber;
}

void Queue::LoadBlock(Cursor* cursor, const std::shared_ptr<Subscriber>& subscriber, uint64_t from, uint64_t end) {
  if (subscriber == nullptr) return;
  {
    MutexLock lock(&mu_);
    // It left before its turn came.
    if (!IsCursorOf(cursor, *subscriber)) return;
  }
  auto block = options_.disk->store->Read(options_.disk->number, from, end, kBlockBytes);
  {
    MutexLock lock(&mu_);
    if (!IsCursorOf(cursor, *subscriber)) return;
    cursor->loading = false;
    if (block.ok()) cursor->block_ahead = *std::move(block);
    subscriber->lane()->PostCursor(shared_from_this(), cursor);
  }
  // What was trimmed meanwhile is a gap.
  if (!block.ok() && !absl::IsOutOfRange(block.status())) {
    subscriber->End(WithContext(block.status(), absl::StrCat("queue ", Quote(name()))));
  }
  subscriber->lane()->Wake();
}

bool Queue::HaveBlock(Cursor* cursor) {
  if (cursor->block != nullptr && cursor->block->Contains(cursor->next)) return true;
  cursor->block = std::move(cursor->block_ahead);
  cursor->block_ahead = nullptr;
  if (cursor->block == nullptr || !cursor->block->Contains(cursor->next)) {
    cursor->block = nullptr;
    AskForBlock(cursor, cursor->next);
    return false;
  }
  // The next one is read while this one is on its way.
  if (cursor->block->end() < ring_.first()) AskForBlock(cursor, cursor->block->end());
  return true;
}

Queue::BlockRead Queue::ReadBlocks(Cursor* cursor, uint64_t bytes_max, Delivery* delivery) {
  log::Audience audience;
  int looks = 0;
  while (cursor->next < ring_.first()) {
    if (!HaveBlock(cursor)) return BlockRead::kWaiting;
    const log::Block& block = *cursor->block;
    for (; cursor->next < block.end(); ++cursor->next) {
      if (++looks > kLooksMax) return BlockRead::kFull;
      const Hearing message = HearingOf(block, cursor->next, &audience);
      if (!Hears(cursor->filter, cursor->subscriber->memberships(), message)) continue;
      const log::Block::Item& item = block.item(cursor->next);
      const Piece piece = {cursor->next, message.audience, block.chunk.get(), item.entry_offset, item.entry_length};
      if (!Take(cursor, piece, bytes_max, delivery)) return BlockRead::kFull;
    }
  }
  return BlockRead::kDone;
}

absl::StatusOr<uint64_t> Queue::FindStart(const Start& start, const EventFilter& filter, const Memberships& memberships,
                                          const std::atomic<bool>* stop) const {
  uint64_t first;
  uint64_t end;
  {
    MutexLock lock(&mu_);
    first = FirstLocked();
    end = ring_.end();
  }
  if (start.kind == Start::Kind::kTime) {
    return options_.disk->store->FindTime(options_.disk->number, first, end, start.time_us);
  }
  return FindLast(start.number, first, end, filter, memberships, stop);
}

absl::StatusOr<uint64_t> Queue::FindLast(uint64_t count, uint64_t first, uint64_t end, const EventFilter& filter,
                                         const Memberships& memberships, const std::atomic<bool>* stop) const {
  const uint64_t look_back = std::max(kLookBackMin, kLookBackFactor * count);
  first = std::max(first, end - std::min(end, look_back));
  log::Audience audience;
  uint64_t step = kLookBackStepMin;
  uint64_t found = 0;
  for (uint64_t at = end; at > first; step = std::min(2 * step, kLookBackStepMax)) {
    const uint64_t begin = at - std::min(step, at - first);
    std::vector<uint64_t> heard;
    for (uint64_t next = begin; next < at;) {
      if (stop != nullptr && stop->load(std::memory_order_relaxed)) return absl::CancelledError("nobody waits");
      auto block = options_.disk->store->Read(options_.disk->number, next, at, kBlockBytes);
      if (!block.ok()) return block.status();
      for (; next < (*block)->end(); ++next) {
        const Hearing message = HearingOf(**block, next, &audience);
        if (Hears(filter, memberships, message) && !Expired(message.audience)) heard.push_back(next);
      }
    }
    if (found + heard.size() >= count) return heard[heard.size() - (count - found)];
    found += heard.size();
    at = begin;
  }
  return first;
}

}  // namespace nmq::broker
