// What becomes of the queues on disk when messages were lost that had been synced.
#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "glog/logging.h"
#include "server/log/batch.h"
#include "server/log/extent.h"
#include "server/log/store_format.h"
#include "server/queue/request_id_store.h"
#include "server/queue/storage.h"
#include "server/queue/storage_records.h"

namespace nmq::broker {
namespace {

// Positions of older epochs are no longer known.
constexpr int kPastEpochsMax = 16;

void EndEpoch(uint64_t end, storage::v1::Queue* queue) {
  auto& past = *queue->mutable_past_epochs();
  // What was lost may reach back into an earlier one.
  for (storage::v1::PastEpoch& one : past) one.set_end(std::min(one.end(), end));
  storage::v1::PastEpoch* const ended = past.Add();
  ended->set_epoch(queue->epoch());
  ended->set_end(end);
  if (past.size() > kPastEpochsMax) past.erase(past.begin());
}

}  // namespace

absl::Status Storage::SettleLoss() {
  std::vector<std::string> lines = {absl::StrCat("goes on although: ", store_->loss().message())};
  const absl::StatusOr<std::set<uint64_t>> stored = StoredNumbers();
  if (!stored.ok()) return stored.status();
  QueueRecords queues;
  {
    MutexLock lock(&mu_);
    queues = queues_;
  }
  log::Batch batch;
  std::set<uint64_t> unknown = *stored;
  for (auto& [path, queue] : queues) {
    if (queue.number() == 0) continue;  // nothing of a live queue is there
    unknown.erase(queue.number());
    absl::Status status = BeginEpoch(path, &queue, &batch, &lines);
    if (!status.ok()) return WithContext(status, absl::StrCat("queue ", Quote(path)));
  }
  // That these queues were made is lost: nobody may find their messages in a queue that is made later.
  for (const uint64_t number : unknown) {
    lines.push_back(absl::StrCat("what is left of queue number ", number, " is deleted, for its name is lost"));
    AddDeletion(number, &batch);
  }
  if (!stored->empty()) last_number_ = std::max(last_number_, *stored->rbegin());
  AddLastNumber(last_number_, &batch);
  for (const std::string& line : lines) LOG(ERROR) << line;
  absl::Status status = store_->Write(&batch, log::Sync::kYes);
  if (!status.ok()) return status;
  lost_ = true;
  {
    MutexLock lock(&mu_);
    queues_ = std::move(queues);
  }
  return store_->AcceptLoss();
}

absl::Status Storage::BeginEpoch(const std::string& path, storage::v1::Queue* queue, log::Batch* batch,
                                 std::vector<std::string>* lines) {
  const uint64_t number = queue->number();
  // Up to where it was trimmed may be lost, and files that only held what was before may be gone.
  const absl::StatusOr<uint64_t> whole = store_->FindWhole(number);
  if (!whole.ok()) return whole.status();
  absl::Status status = store_->Trim(number, *whole);
  if (!status.ok()) return status;
  const absl::StatusOr<log::Extent> extent = store_->FindExtent(number);
  if (!extent.ok()) return extent.status();
  EndEpoch(extent->end, queue);
  queue->set_epoch(std::max(NewEpoch(number), queue->epoch() + 1));
  AddQueue(path, *queue, batch);
  DeleteRequestIds(number, extent->end, UINT64_MAX, batch);
  lines->push_back(absl::StrCat("queue ", path, " holds ", extent->end - extent->first,
                                " messages, and goes on at sequence ", extent->end, " in a new epoch, ",
                                queue->epoch()));
  return absl::OkStatus();
}

absl::StatusOr<std::set<uint64_t>> Storage::StoredNumbers() const {
  const absl::StatusOr<std::vector<uint64_t>> queues = store_->Queues();
  if (!queues.ok()) return queues.status();
  std::set<uint64_t> numbers(queues->begin(), queues->end());
  for (const log::Table table : kTablesByQueue) {
    uint64_t next = 0;
    for (bool found = true; found;) {
      found = false;
      const absl::Status status =
          store_->Scan(table, log::BigEndian(next), "", [&](absl::string_view key, absl::string_view) {
            uint64_t number;
            found = log::ParseBigEndian(key.substr(0, 8), &number);
            if (!found) return false;
            numbers.insert(number);
            next = number + 1;
            return false;
          });
      if (!status.ok()) return status;
      found = found && next != 0;
    }
  }
  return numbers;
}

}  // namespace nmq::broker
