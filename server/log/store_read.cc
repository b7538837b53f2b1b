#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/store.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {
namespace {

constexpr uint64_t kReadBytesMax = 64 << 20;  // whatever the caller allows
constexpr uint64_t kReserveBytes = 16 << 10;  // what a read begins with
// How far a read reaches into the file at once, at the most.
constexpr uint64_t kReadaheadBytesMax = 256 << 10;

// Gathers neighbouring messages.
class BlockBuilder {
 public:
  BlockBuilder(uint64_t first, uint64_t bytes_max) : bytes_max_(bytes_max), block_(std::make_shared<Block>()) {
    block_->first = first;
    entries_.reserve(std::min(bytes_max, kReserveBytes));
  }

  uint64_t end() const { return block_->end(); }
  bool empty() const { return block_->items.empty(); }

  // False if the message has no room any more.
  bool Add(const MessageValue& message) {
    if (!empty() && entries_.size() + message.entry.size() > bytes_max_) return false;
    Block::Item item;
    item.time_us = message.time_us;
    item.stamp = message.stamp;
    item.audience_offset = static_cast<uint32_t>(audiences_.size());
    item.audience_length = static_cast<uint32_t>(message.audience.size());
    item.entry_offset = static_cast<uint32_t>(entries_.size());
    item.entry_length = static_cast<uint32_t>(message.entry.size());
    block_->items.push_back(item);
    entries_.append(message.entry.data(), message.entry.size());
    audiences_.append(message.audience.data(), message.audience.size());
    return true;
  }

  std::shared_ptr<const Block> Finish() {
    block_->chunk = ChunkRef::Adopt(new Chunk(entries_.size() + audiences_.size()));
    std::copy(entries_.begin(), entries_.end(), block_->chunk->Extend(entries_.size()));
    std::copy(audiences_.begin(), audiences_.end(), block_->chunk->Extend(audiences_.size()));
    for (Block::Item& item : block_->items) item.audience_offset += static_cast<uint32_t>(entries_.size());
    return std::move(block_);
  }

 private:
  const uint64_t bytes_max_;
  std::string entries_;
  std::string audiences_;
  std::shared_ptr<Block> block_;
};

absl::Status CheckRange(absl::string_view what, uint64_t queue, uint64_t first, uint64_t end) {
  if (first <= end) return absl::OkStatus();
  return InvalidArgument(what, absl::StrCat("queue ", queue, ": ", first, " is after the end ", end));
}

}  // namespace

absl::StatusOr<Store::Rep::Tail> Store::Rep::FindTail(uint64_t queue) const {
  Tail tail;
  tail.end = trims.First(queue);
  const MessageKey from(queue, tail.end);
  const MessageKey last(queue, UINT64_MAX);
  const rocksdb::Slice lower = ToSlice(from.bytes());
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, family(Family::kMessages)));
  it->SeekForPrev(ToSlice(last.bytes()));
  if (!it->status().ok()) return ReadError(directory, it->status());
  if (!it->Valid()) return tail;
  uint64_t found_queue;
  uint64_t sequence;
  MessageValue value;
  if (!ParseMessageKey(ToView(it->key()), &found_queue, &sequence) || !ParseMessageValue(ToView(it->value()), &value)) {
    return Damaged(directory, absl::StrCat("queue ", queue, ": the last message is damaged"));
  }
  tail.end = sequence + 1;
  tail.total = value.total;
  tail.time_us = value.time_us;
  return tail;
}

absl::StatusOr<Store::Rep::Tail> Store::Rep::LoadTail(uint64_t queue) {
  {
    MutexLock lock(&mutex);
    if (const auto found = tails.find(queue); found != tails.end()) return found->second;
  }
  absl::StatusOr<Tail> tail = FindTail(queue);
  if (!tail.ok()) return tail;
  MutexLock lock(&mutex);
  return tails.try_emplace(queue, *tail).first->second;
}

absl::Status Store::Rep::Missing(uint64_t queue, uint64_t sequence) const {
  const uint64_t first = trims.First(queue);
  if (sequence < first) {
    return OutOfRange(kReasonTrimmed, absl::StrCat("queue ", queue, ": sequence ", sequence,
                                                   " is no longer held; the first is ", first));
  }
  uint64_t end;
  {
    MutexLock lock(&mutex);
    const auto found = tails.find(queue);
    end = found == tails.end() ? 0 : found->second.end;
  }
  if (end == 0) {
    const absl::StatusOr<Tail> tail = FindTail(queue);
    if (!tail.ok()) return tail.status();
    end = tail->end;
  }
  if (sequence >= end) {
    return OutOfRange(kReasonNotWritten,
                      absl::StrCat("queue ", queue, ": sequence ", sequence, " is not written; the next is ", end));
  }
  return Damaged(directory, absl::StrCat("queue ", queue, ": the message of sequence ", sequence, " is missing"));
}

absl::StatusOr<MessageValue> Store::Rep::GetMessage(uint64_t queue, uint64_t sequence,
                                                    rocksdb::PinnableSlice* bytes) const {
  if (sequence < trims.First(queue)) return Missing(queue, sequence);
  bytes->Reset();
  const rocksdb::Status status =
      db->Get(rocksdb::ReadOptions(), family(Family::kMessages), ToSlice(MessageKey(queue, sequence).bytes()), bytes);
  if (status.IsNotFound()) return Missing(queue, sequence);
  if (!status.ok()) return ReadError(directory, status);
  MessageValue value;
  if (!ParseMessageValue(ToView(*bytes), &value)) {
    return Damaged(directory, absl::StrCat("queue ", queue, ": the message of sequence ", sequence, " is damaged"));
  }
  return value;
}

absl::StatusOr<uint64_t> Store::Rep::BytesOf(uint64_t queue, uint64_t first, uint64_t end) const {
  if (absl::Status status = CheckRange("first", queue, first, end); !status.ok()) return status;
  if (first == end) return 0;
  rocksdb::PinnableSlice bytes;
  const absl::StatusOr<MessageValue> last = GetMessage(queue, end - 1, &bytes);
  if (!last.ok()) return last.status();
  const uint64_t total = last->total;
  const absl::StatusOr<MessageValue> value = GetMessage(queue, first, &bytes);
  if (!value.ok()) return value.status();
  return total - (value->total - value->entry.size() - value->audience.size() - Batch::kBookkeepingBytes);
}

absl::StatusOr<Extent> Store::FindExtent(uint64_t queue) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  while (true) {
    Extent extent;
    extent.first = rep_->trims.First(queue);
    const absl::StatusOr<Rep::Tail> tail = rep_->LoadTail(queue);
    if (!tail.ok()) return tail.status();
    extent.end = tail->end;
    extent.last_time_us = tail->time_us;
    const absl::StatusOr<uint64_t> bytes = rep_->BytesOf(queue, extent.first, extent.end);
    if (bytes.ok()) {
      extent.bytes = *bytes;
      return extent;
    }
    if (extent.first == rep_->trims.First(queue)) return bytes.status();
    // Trimmed meanwhile: look again.
  }
}

absl::StatusOr<std::shared_ptr<const Block>> Store::Read(uint64_t queue, uint64_t from, uint64_t end,
                                                         uint64_t bytes_max) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  if (from >= end) return InvalidArgument("from", absl::StrCat("queue ", queue, ": ", from, " is not before ", end));
  if (from < rep_->trims.First(queue)) return rep_->Missing(queue, from);
  bytes_max = std::min(bytes_max, kReadBytesMax);
  const MessageKey begin(queue, from);
  const MessageKey upper(queue, end);
  const rocksdb::Slice upper_bound = ToSlice(upper.bytes());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper_bound;
  options.readahead_size = std::min(bytes_max, kReadaheadBytesMax);
  const std::unique_ptr<rocksdb::Iterator> it(rep_->db->NewIterator(options, rep_->family(Family::kMessages)));

  BlockBuilder builder(from, bytes_max);
  bool full = false;
  for (it->Seek(ToSlice(begin.bytes())); it->Valid(); it->Next()) {
    uint64_t found_queue;
    uint64_t sequence;
    MessageValue value;
    if (!ParseMessageKey(ToView(it->key()), &found_queue, &sequence) || sequence != builder.end()) break;
    if (!ParseMessageValue(ToView(it->value()), &value)) {
      return Damaged(rep_->directory,
                     absl::StrCat("queue ", queue, ": the message of sequence ", sequence, " is damaged"));
    }
    full = !builder.Add(value);
    if (full) break;
  }
  if (!it->status().ok()) return ReadError(rep_->directory, it->status());
  // What should follow is not there: it is not written yet, or was given up meanwhile, or is lost.
  if (!full && builder.end() < end) {
    const absl::Status missing = rep_->Missing(queue, builder.end());
    if (builder.empty() || missing.code() == absl::StatusCode::kDataLoss) return missing;
  }
  return builder.Finish();
}

absl::StatusOr<uint64_t> Store::FindTime(uint64_t queue, uint64_t first, uint64_t end, int64_t time_us) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  if (absl::Status status = CheckRange("first", queue, first, end); !status.ok()) return status;
  rocksdb::PinnableSlice bytes;
  while (first < end) {
    const uint64_t middle = first + (end - first) / 2;
    const absl::StatusOr<MessageValue> value = rep_->GetMessage(queue, middle, &bytes);
    if (!value.ok()) return value.status();
    if (value->time_us < time_us) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

absl::StatusOr<uint64_t> Store::FindBytes(uint64_t queue, uint64_t first, uint64_t end, uint64_t bytes_max) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  if (absl::Status status = CheckRange("first", queue, first, end); !status.ok()) return status;
  if (first == end) return end;
  rocksdb::PinnableSlice bytes;
  const absl::StatusOr<MessageValue> last = rep_->GetMessage(queue, end - 1, &bytes);
  if (!last.ok()) return last.status();
  const uint64_t total = last->total;
  while (first < end) {
    const uint64_t middle = first + (end - first) / 2;
    const absl::StatusOr<MessageValue> value = rep_->GetMessage(queue, middle, &bytes);
    if (!value.ok()) return value.status();
    const uint64_t before = value->total - value->entry.size() - value->audience.size() - Batch::kBookkeepingBytes;
    if (total - before > bytes_max) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

absl::StatusOr<uint64_t> Store::BytesOf(uint64_t queue, uint64_t first, uint64_t end) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  return rep_->BytesOf(queue, first, end);
}

absl::StatusOr<std::vector<uint64_t>> Store::Queues() const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  std::vector<uint64_t> queues;
  const std::unique_ptr<rocksdb::Iterator> it(
      rep_->db->NewIterator(rocksdb::ReadOptions(), rep_->family(Family::kMessages)));
  it->SeekToFirst();
  uint64_t queue;
  uint64_t sequence;
  while (it->Valid() && ParseMessageKey(ToView(it->key()), &queue, &sequence)) {
    queues.push_back(queue);
    if (queue == UINT64_MAX) break;
    it->Seek(ToSlice(MessageKey(queue + 1, 0).bytes()));
  }
  if (!it->status().ok()) return ReadError(rep_->directory, it->status());
  return queues;
}

absl::StatusOr<uint64_t> Store::FindWhole(uint64_t queue) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  const MessageKey from(queue, rep_->trims.First(queue));
  const rocksdb::Slice lower = ToSlice(from.bytes());
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  options.readahead_size = kReadaheadBytesMax;
  const std::unique_ptr<rocksdb::Iterator> it(rep_->db->NewIterator(options, rep_->family(Family::kMessages)));
  uint64_t first = 0;
  uint64_t found_queue;
  uint64_t sequence;
  it->SeekForPrev(ToSlice(MessageKey(queue, UINT64_MAX).bytes()));
  for (; it->Valid() && ParseMessageKey(ToView(it->key()), &found_queue, &sequence); it->Prev()) {
    if (found_queue != queue || (first != 0 && sequence + 1 != first)) break;
    first = sequence;
  }
  if (!it->status().ok()) return ReadError(rep_->directory, it->status());
  return first == 0 ? rep_->trims.First(queue) : first;
}

absl::StatusOr<std::string> Store::Get(Table table, absl::string_view key) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  std::string value;
  const rocksdb::Status status = rep_->db->Get(rocksdb::ReadOptions(), rep_->family(table), ToSlice(key), &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return NotFound("NO_SUCH_KEY", absl::StrCat("there is no key ", Quote(key)));
  return ReadError(rep_->directory, status);
}

absl::Status Store::Scan(Table table, absl::string_view from, absl::string_view to,
                         absl::FunctionRef<bool(absl::string_view, absl::string_view)> visit) const {
  ReaderMutexLock open(&rep_->open_mutex);
  if (absl::Status status = rep_->Readable(); !status.ok()) return status;
  const rocksdb::Slice upper = ToSlice(to);
  rocksdb::ReadOptions options;
  if (!to.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(rep_->db->NewIterator(options, rep_->family(table)));
  for (it->Seek(ToSlice(from)); it->Valid(); it->Next()) {
    if (!visit(ToView(it->key()), ToView(it->value()))) return absl::OkStatus();
  }
  return it->status().ok() ? absl::OkStatus() : ReadError(rep_->directory, it->status());
}

}  // namespace nmq::log
