#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/store.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {

Store::Batch::Batch() : rep_(std::make_unique<Rep>()) {}
Store::Batch::~Batch() = default;

void Store::Batch::Append(uint64_t queue, const StoredMessage& message) {
  if (message.audience.size() > UINT32_MAX || message.entry.size() > UINT32_MAX) {
    rep_->error =
        InvalidArgument("message", absl::StrCat("an entry of ", message.entry.size(), " bytes or an audience of ",
                                                message.audience.size(), " bytes exceeds 4294967295"));
    return;
  }
  Rep::Operation operation;
  operation.kind = Rep::Kind::kAppend;
  operation.queue = queue;
  operation.sequence = message.sequence;
  operation.time_us = message.time_us;
  operation.cost = message.entry.size() + message.audience.size() + kBookkeepingBytes;
  operation.value_bytes = kMessageHeaderBytes + message.audience.size() + message.entry.size();
  rep_->operations.push_back(operation);
  AppendMessageValue({0, message.time_us, message.stamp, message.audience, message.entry}, &rep_->bytes);
  rep_->appends = true;
}

void Store::Batch::Put(Table table, absl::string_view key, absl::string_view value) {
  if (key.empty() || key.size() > kKeyBytesMax) {
    rep_->error = InvalidArgument("key", absl::StrCat(key.size(), " bytes; it must have 1 to ", kKeyBytesMax));
    return;
  }
  Rep::Operation operation;
  operation.kind = Rep::Kind::kPut;
  operation.table = table;
  operation.key_bytes = key.size();
  operation.value_bytes = value.size();
  rep_->operations.push_back(operation);
  absl::StrAppend(&rep_->bytes, key, value);
}

void Store::Batch::Delete(Table table, absl::string_view key) {
  Rep::Operation operation;
  operation.kind = Rep::Kind::kDelete;
  operation.table = table;
  operation.key_bytes = key.size();
  rep_->operations.push_back(operation);
  absl::StrAppend(&rep_->bytes, key);
}

void Store::Batch::DeletePrefix(Table table, absl::string_view prefix) {
  Rep::Operation operation;
  operation.kind = Rep::Kind::kDeletePrefix;
  operation.table = table;
  operation.key_bytes = prefix.size();
  rep_->operations.push_back(operation);
  absl::StrAppend(&rep_->bytes, prefix);
}

void Store::Batch::DeleteRange(Table table, absl::string_view from, absl::string_view to) {
  if (from.empty() || from >= to || std::max(from.size(), to.size()) > kKeyBytesMax) {
    rep_->error = InvalidArgument(
        "key", absl::StrCat("a range from ", from.size(), " to ", to.size(), " bytes; both must have 1 to ",
                            kKeyBytesMax, ", and the first must be less"));
    return;
  }
  Rep::Operation operation;
  operation.kind = Rep::Kind::kDeleteRange;
  operation.table = table;
  operation.key_bytes = from.size();
  operation.value_bytes = to.size();
  rep_->operations.push_back(operation);
  absl::StrAppend(&rep_->bytes, from, to);
}

bool Store::Batch::empty() const { return rep_->operations.empty(); }

size_t Store::Batch::bytes() const { return rep_->bytes.size(); }

void Store::Batch::Clear() {
  rep_->operations.clear();
  rep_->bytes.clear();
  rep_->appends = false;
  rep_->error = absl::OkStatus();
}

absl::Status Store::Rep::TakeTails(const Batch& batch, absl::flat_hash_map<uint64_t, Tail>* taken) {
  for (const Batch::Rep::Operation& operation : batch.rep_->operations) {
    if (operation.kind != Batch::Rep::Kind::kAppend || taken->contains(operation.queue)) continue;
    if (absl::StatusOr<Tail> tail = LoadTail(operation.queue); !tail.ok()) return tail.status();
    MutexLock lock(&mutex);
    const auto found = tails.find(operation.queue);
    if (found == tails.end() || found->second.busy) {
      return FailedPrecondition(
          "QUEUE_BUSY", absl::StrCat("queue ", operation.queue, " is deleted or appended to by another thread"));
    }
    found->second.busy = true;
    taken->emplace(operation.queue, found->second);
  }
  return absl::OkStatus();
}

void Store::Rep::GiveBackTails(const absl::flat_hash_map<uint64_t, Tail>& taken, bool written) {
  MutexLock lock(&mutex);
  for (const auto& [queue, tail] : taken) {
    const auto found = tails.find(queue);
    if (found == tails.end()) continue;  // deleted meanwhile
    if (written) found->second = tail;
    found->second.busy = false;
  }
}

absl::Status Store::Rep::Translate(const Batch& batch, absl::flat_hash_map<uint64_t, Tail>* taken,
                                   rocksdb::WriteBatch* to) const {
  absl::string_view rest = batch.rep_->bytes;
  std::string value;
  for (const Batch::Rep::Operation& operation : batch.rep_->operations) {
    const rocksdb::Slice key(rest.data(), operation.key_bytes);
    rest.remove_prefix(operation.key_bytes);
    const absl::string_view bytes = rest.substr(0, operation.value_bytes);
    rest.remove_prefix(operation.value_bytes);
    switch (operation.kind) {
      case Batch::Rep::Kind::kAppend: {
        Tail& tail = taken->find(operation.queue)->second;
        if (operation.sequence != tail.end || operation.time_us < tail.time_us) {
          return InvalidArgument(
              "message",
              absl::StrCat("queue ", operation.queue, ": sequence ", operation.sequence, " of time ", operation.time_us,
                           " does not follow: expected sequence ", tail.end, " of time ", tail.time_us, " or later"));
        }
        ++tail.end;
        tail.total += operation.cost;
        tail.time_us = operation.time_us;
        value.assign(bytes.data(), bytes.size());
        SetMessageTotal(tail.total, value.data());
        to->Put(family(Family::kMessages), ToSlice(MessageKey(operation.queue, operation.sequence).bytes()), value);
        break;
      }
      case Batch::Rep::Kind::kPut:
        to->Put(family(operation.table), key, ToSlice(bytes));
        break;
      case Batch::Rep::Kind::kDelete:
        to->Delete(family(operation.table), key);
        break;
      case Batch::Rep::Kind::kDeleteRange:
        to->DeleteRange(family(operation.table), key, ToSlice(bytes));
        break;
      case Batch::Rep::Kind::kDeletePrefix: {
        const std::string after = AfterPrefix(ToView(key));
        to->DeleteRange(family(operation.table), key, after.empty() ? std::string(kKeyBytesMax + 1, '\xff') : after);
        break;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Store::Write(Batch* batch, Sync sync) {
  if (!batch->rep_->error.ok()) return batch->rep_->error;
  if (batch->empty() && sync == Sync::kNo) return absl::OkStatus();
  ReaderMutexLock open(&rep_->open_mutex);
  const bool appends = batch->rep_->appends;
  if (appends) rep_->health->Spend(batch->bytes());
  if (absl::Status status = rep_->health->Check(appends); !status.ok()) return status;

  absl::flat_hash_map<uint64_t, Rep::Tail> taken;
  rocksdb::WriteBatch changes(batch->bytes() + 64 * batch->rep_->operations.size());
  absl::Status status = appends ? rep_->TakeTails(*batch, &taken) : absl::OkStatus();
  if (status.ok()) status = rep_->Translate(*batch, &taken, &changes);
  if (status.ok()) status = rep_->WriteNow(&changes, sync);
  rep_->GiveBackTails(taken, status.ok());
  return status;
}

}  // namespace nmq::log
