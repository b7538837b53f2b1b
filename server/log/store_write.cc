#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "server/log/store.h"
#include "server/log/store_errors.h"
#include "server/log/store_rep.h"

namespace nmq::log {

absl::Status Store::Rep::TakeTails(const Batch& batch, absl::flat_hash_map<uint64_t, Tail>* taken) {
  for (const Batch::Operation& operation : batch.operations()) {
    if (operation.kind != Batch::Kind::kAppend || taken->contains(operation.queue)) continue;
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
  absl::string_view rest = batch.texts();
  std::string value;
  for (const Batch::Operation& operation : batch.operations()) {
    const rocksdb::Slice key(rest.data(), operation.key_bytes);
    rest.remove_prefix(operation.key_bytes);
    const absl::string_view bytes = rest.substr(0, operation.value_bytes);
    rest.remove_prefix(operation.value_bytes);
    switch (operation.kind) {
      case Batch::Kind::kAppend: {
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
      case Batch::Kind::kPut:
        to->Put(family(operation.table), key, ToSlice(bytes));
        break;
      case Batch::Kind::kDelete:
        to->Delete(family(operation.table), key);
        break;
      case Batch::Kind::kDeleteRange:
        to->DeleteRange(family(operation.table), key, ToSlice(bytes));
        break;
      case Batch::Kind::kDeletePrefix: {
        const std::string after = AfterPrefix(ToView(key));
        to->DeleteRange(family(operation.table), key,
                        after.empty() ? std::string(Batch::kKeyBytesMax + 1, '\xff') : after);
        break;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Store::Write(Batch* batch, Sync sync) {
  if (!batch->error().ok()) return batch->error();
  if (batch->empty() && sync == Sync::kNo) return absl::OkStatus();
  ReaderMutexLock open(&rep_->open_mutex);
  const bool appends = batch->appends();
  if (appends) rep_->health->Spend(batch->bytes());
  if (absl::Status status = rep_->health->Check(appends); !status.ok()) return status;

  absl::flat_hash_map<uint64_t, Rep::Tail> taken;
  rocksdb::WriteBatch changes(batch->bytes() + 64 * batch->operations().size());
  absl::Status status = appends ? rep_->TakeTails(*batch, &taken) : absl::OkStatus();
  if (status.ok()) status = rep_->Translate(*batch, &taken, &changes);
  if (status.ok()) status = rep_->WriteNow(&changes, sync);
  rep_->GiveBackTails(taken, status.ok());
  return status;
}

}  // namespace nmq::log
