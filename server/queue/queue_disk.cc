// How queues that have their messages on disk are written, read and trimmed.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/log/batch.h"
#include "server/log/block.h"
#include "server/log/extent.h"
#include "server/queue/disk_search.h"
#include "server/queue/queue.h"

namespace nmq::broker {
namespace {

// What is read at a time for a cursor; it has up to two such blocks.
constexpr uint64_t kBlockBytes = 256 << 10;

bool HasId(const Outgoing& message) { return !message.request_id.empty(); }

}  // namespace

void Queue::RestoreRequestIds(absl::Time now, int64_t now_us) {
  MutexLock lock(&mu_);
  restored_ = requests_.Restore(disk().log, now, now_us);
  if (restored_.ok()) return;
  restored_ = WithContext(restored_, absl::StrCat("request_id: queue ", Quote(name())));
  LOG(ERROR) << restored_;
}

absl::Status Queue::CheckPrepare(absl::Span<const Outgoing> messages) const {
  absl::Status status = CheckTakes();
  if (!status.ok() || !durable()) return status;
  if (!restored_.ok() && std::any_of(messages.begin(), messages.end(), HasId)) return restored_;
  return disk().log->health();
}

absl::Status Queue::CheckLast(const Outgoing& message, uint64_t expected_last, int64_t now_us) const {
  const uint64_t last = preparer_->last();
  if (expected_last == last) return absl::OkStatus();
  MutexLock lock(&mu_);
  if (HasId(message) && requests_.Find(message.request_id, now_us).has_value()) return absl::OkStatus();
  return SequenceMismatch(name(), expected_last, last);
}

void Queue::Prepare(absl::Span<const Outgoing> messages, absl::Time time, int64_t now_us, absl::string_view publisher,
                    absl::string_view reply_to, log::Batch* batch, Prepared* prepared) {
  preparer_->Begin(time, prepared);
  if (std::any_of(messages.begin(), messages.end(), HasId)) {
    MutexLock lock(&mu_);
    preparer_->NoteRequests(messages, now_us, &requests_, batch, prepared);
  }
  preparer_->Prepare(messages, publisher, reply_to, batch, prepared);
}

Appended Queue::Publish(Prepared* prepared, int64_t now_us, bool count_matches, Heard* heard) {
  Fanout::Touched touched;
  MutexLock lock(&mu_);
  Appended appended = appender_.Publish(prepared, now_us, count_matches, heard, &touched);
  Post(touched);
  return appended;
}

void Queue::TakeBack(const Prepared& prepared) {
  preparer_->TakeBack(prepared);
  MutexLock lock(&mu_);
  requests_.TakeBack(prepared.first);
}

bool Queue::HasIdsToDrop() const {
  MutexLock lock(&mu_);
  return requests_.HasForgotten();
}

void Queue::DropRequestIds(log::Batch* batch) {
  MutexLock lock(&mu_);
  requests_.DropForgotten(batch);
}

void Queue::NoteDropped() {
  MutexLock lock(&mu_);
  requests_.NoteDropped();
}

log::Extent Queue::Held() const {
  log::Extent extent;
  MutexLock lock(&mu_);
  extent.first = log_.first();
  extent.end = log_.end();
  return extent;
}

std::shared_ptr<const log::Block> Queue::BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const {
  MutexLock lock(&mu_);
  return log_.BlockFromRing(from, end, bytes_max);
}

absl::Status Queue::TrimDisk(absl::Time now) {
  Sequences held;
  int64_t oldest_us;
  RetentionConfig retention;
  {
    MutexLock lock(&mu_);
    if (closed_) return absl::OkStatus();
    retention = log_.retention();
    held = {log_.first(), log_.end()};
    oldest_us = log_.disk_oldest_us();
  }
  const auto kept = FindKept(disk(), held, retention, oldest_us, now);
  if (!kept.ok()) return kept.status();
  Left left{absl::OkStatus(), held.first, kept->bytes};
  // The store's upkeep syncs for all queues.
  if (kept->first > held.first) left = TrimStore(disk(), held, kept->first, log::Sync::kNo);
  MutexLock lock(&mu_);
  if (left.status.ok()) log_.set_disk_oldest_us(kept->oldest_us);
  // What was published meanwhile is counted at the next look.
  if (left.bytes.has_value()) log_.set_disk_bytes(*left.bytes);
  if (log_.TrimmedOnDisk(left.first)) fanout_.Forget();
  return left.status;
}

void Queue::Ask(Cursor* cursor, uint64_t from, uint64_t end) {
  const std::weak_ptr<Subscriber> waits = cursor->subscriber->weak_from_this();
  // A cursor goes with its subscriber.
  disk().log->Read(
      disk().number, from, end, kBlockBytes, [waits] { return !waits.expired(); },
      [queue = shared_from_this(), cursor, waits, from](absl::StatusOr<std::shared_ptr<const log::Block>> block) {
        queue->Asked(cursor, waits.lock(), from, std::move(block));
      });
}

void Queue::Asked(Cursor* cursor, const std::shared_ptr<Subscriber>& subscriber, uint64_t from,
                  absl::StatusOr<std::shared_ptr<const log::Block>> block) {
  if (subscriber == nullptr) return;
  if (!absl::IsOutOfRange(block.status())) return Answer(cursor, *subscriber, 0, std::move(block));
  disk().log->FindExtent(disk().number, [queue = shared_from_this(), cursor, weak = std::weak_ptr(subscriber), from,
                                         block = std::move(block)](absl::StatusOr<log::Extent> extent) mutable {
    const std::shared_ptr<Subscriber> still = weak.lock();
    if (still == nullptr) return;
    // If it was trimmed meanwhile, that is a gap.
    const bool trimmed = extent.ok() && extent->first > from;
    if (trimmed) block = std::shared_ptr<const log::Block>();
    queue->Answer(cursor, *still, trimmed ? extent->first : 0, std::move(block));
  });
}

void Queue::Answer(Cursor* cursor, Subscriber& subscriber, uint64_t first,
                   absl::StatusOr<std::shared_ptr<const log::Block>> block) {
  absl::Status status = block.status();
  {
    MutexLock lock(&mu_);
    if (!fanout_.Has(cursor, subscriber)) return;
    // The thread that trims may not have told the log yet; until then the cursor would ask again and again.
    if (log_.TrimmedOnDisk(first)) fanout_.Forget();
    cursor->loading = false;
    if (block.ok()) cursor->block_ahead = *std::move(block);
    subscriber.lane()->PostCursor(shared_from_this(), cursor);
  }
  if (!status.ok()) subscriber.End(WithContext(status, absl::StrCat("queue ", Quote(name()))));
  subscriber.lane()->Wake();
}

}  // namespace nmq::broker
