#include "server/log/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "rocksdb/convenience.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

// The number of the last change of a batch that was written: its bytes begin with that of the first.
uint64_t LastChange(const rocksdb::WriteBatch& batch) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) number |= uint64_t{static_cast<uint8_t>(batch.Data()[i])} << (8 * i);
  return number + batch.Count() - 1;
}

}  // namespace

absl::Status Store::Rep::Readable() const {
  return db != nullptr ? absl::OkStatus() : health->Check(/*messages=*/false);
}

rocksdb::ColumnFamilyHandle* Store::Rep::family(Table table) const {
  switch (table) {
    case Table::kMeta:
      return family(Family::kMeta);
    case Table::kGroups:
      return family(Family::kGroups);
    case Table::kRequests:
      return family(Family::kRequests);
    case Table::kSchedule:
      return family(Family::kSchedule);
  }
  return family(Family::kMeta);
}

absl::Status Store::Rep::WriteNow(rocksdb::WriteBatch* batch, Sync sync) {
  rocksdb::WriteOptions options;
  options.sync = sync == Sync::kYes;
  const rocksdb::Status status = db->Write(options, batch);
  if (!status.ok()) return health->Note(status);
  if (options.sync) marks.Note(LastChange(*batch));
  return absl::OkStatus();
}

absl::Status Store::Trim(uint64_t queue, uint64_t first, Sync sync) {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->WriteTrim(queue, first); !status.ok()) return status;
  // Also if it was there before: whoever wrote it may not have waited.
  return sync == Sync::kYes ? rep_->SettleTrims() : absl::OkStatus();
}

absl::Status Store::Rep::WriteTrim(uint64_t queue, uint64_t first) {
  if (first <= trims.First(queue)) return absl::OkStatus();
  if (absl::Status status = health->Check(/*messages=*/false); !status.ok()) return status;
  const absl::StatusOr<Tail> tail = LoadTail(queue);
  if (!tail.ok()) return tail.status();
  if (first > tail->end) {
    return OutOfRange(kReasonNotWritten, absl::StrCat("queue ", queue, " ends before sequence ", tail->end,
                                                      ": it cannot be trimmed up to ", first));
  }
  MutexLock lock(&trim_mutex);
  if (first <= trims.First(queue)) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  batch.Put(family(Family::kOwn), FirstKey(queue), BigEndian(first));
  if (absl::Status status = WriteNow(&batch, Sync::kNo); !status.ok()) return status;
  trims.Set(queue, first);
  unreclaimed.insert(queue);
  return absl::OkStatus();
}

absl::Status Store::Rep::SettleTrims() {
  const std::vector<TrimPoints::Point> points = trims.Pending();
  if (points.empty()) return absl::OkStatus();
  rocksdb::WriteBatch nothing;
  if (absl::Status status = WriteNow(&nothing, Sync::kYes); !status.ok()) return status;
  for (const TrimPoints::Point& point : points) trims.SetDurable(point.queue, point.first);
  DropFiles(points);
  return absl::OkStatus();
}

void Store::Rep::DropFiles(const std::vector<TrimPoints::Point>& points) {
  std::vector<std::pair<MessageKey, MessageKey>> keys;
  std::vector<rocksdb::Slice> slices;
  std::vector<rocksdb::RangePtr> ranges;
  keys.reserve(points.size());
  slices.reserve(2 * points.size());
  for (const TrimPoints::Point& point : points) {
    keys.emplace_back(MessageKey(point.queue, 0), MessageKey(point.queue, point.first));
    slices.push_back(ToSlice(keys.back().first.bytes()));
    slices.push_back(ToSlice(keys.back().second.bytes()));
    ranges.emplace_back(&slices[slices.size() - 2], &slices[slices.size() - 1]);
  }
  const rocksdb::Status status = rocksdb::DeleteFilesInRanges(db.get(), family(Family::kMessages), ranges.data(),
                                                              ranges.size(), /*include_end=*/false);
  if (!status.ok()) (void)health->Note(status);
}

absl::Status Store::DeleteQueue(uint64_t queue) {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->health->Check(/*messages=*/false); !status.ok()) return status;
  const MessageKey from(queue, 0);
  const std::string prefix = BigEndian(queue);
  // The last queue's keys are followed by none: beyond them is any longer key.
  const std::string to = AfterPrefix(prefix).empty() ? std::string(kMessageKeyBytes + 1, '\xff') : AfterPrefix(prefix);
  MutexLock lock(&rep_->trim_mutex);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(rep_->family(Family::kMessages), ToSlice(from.bytes()), to);
  batch.Delete(rep_->family(Family::kOwn), FirstKey(queue));
  if (absl::Status status = rep_->WriteNow(&batch, Sync::kYes); !status.ok()) return status;
  rep_->trims.Erase(queue);
  rep_->unreclaimed.insert(queue);
  {
    MutexLock tails_lock(&rep_->mutex);
    rep_->tails.erase(queue);
  }
  rep_->DropFiles({{queue, UINT64_MAX}});
  return absl::OkStatus();
}

void Store::Housekeep() {
  bool stuck;
  {
    ReaderMutexLock open(&rep_->open_mutex);
    if (rep_->health->Check(/*messages=*/false).ok()) (void)rep_->SettleTrims();
    rep_->health->LookAtDisk();
    if (rep_->health->low()) rep_->Reclaim();
    stuck = rep_->health->stuck();
  }
  if (!stuck) return;
  {
    MutexLock open(&rep_->open_mutex);
    rep_->Reopen();
    rep_->health->LookAtDisk();
  }
  rep_->LogNotes();
}

void Store::Rep::Reclaim() {
  if (!health->Check(/*messages=*/false).ok()) return;
  std::vector<uint64_t> queues;
  {
    MutexLock lock(&trim_mutex);
    queues.assign(unreclaimed.begin(), unreclaimed.end());
    unreclaimed.clear();
  }
  if (queues.empty()) return;
  // The log goes when all that is in it is in files.
  const std::vector<rocksdb::ColumnFamilyHandle*> all(families.begin(), families.end());
  if (!db->Flush(rocksdb::FlushOptions(), all).ok()) return;
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (uint64_t queue : queues) {
    const MessageKey from(queue, 0);
    const MessageKey to(queue, trims.First(queue));
    const rocksdb::Slice begin = ToSlice(from.bytes());
    const rocksdb::Slice end = ToSlice(to.bytes());
    if (!db->CompactRange(options, family(Family::kMessages), &begin, &end).ok()) break;
  }
  health->LookAtDisk();
}

absl::Status Store::loss() const {
  ReaderMutexLock open(&rep_->open_mutex);
  return rep_->loss;
}

absl::Status Store::AcceptLoss() {
  MutexLock open(&rep_->open_mutex);
  rep_->loss = absl::OkStatus();
  return rep_->BeginMarks();
}

absl::Status Store::health() const { return rep_->health->Check(/*messages=*/true); }

Store::Totals Store::totals() const {
  Totals totals;
  ReaderMutexLock lock(&rep_->open_mutex);
  if (!rep_->Readable().ok()) return totals;
  rep_->db->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &totals.memory_bytes);
  rep_->db->GetAggregatedIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &totals.file_bytes);
  return totals;
}

}  // namespace nmq::log
