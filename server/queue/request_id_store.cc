#include "server/queue/request_id_store.h"

#include "absl/strings/str_cat.h"
#include "server/log/log_wait.h"
#include "server/log/store_format.h"

namespace nmq::broker {
namespace {

constexpr size_t kTimeBytes = 8;

}  // namespace

void PutRequestId(uint64_t queue, uint64_t sequence, int64_t time_us, absl::string_view id, log::Batch* batch) {
  batch->Put(log::Table::kRequests, log::MessageKey(queue, sequence).bytes(),
             absl::StrCat(log::BigEndian(static_cast<uint64_t>(time_us)), id));
}

void DeleteRequestIds(uint64_t queue, uint64_t first, uint64_t end, log::Batch* batch) {
  batch->DeleteRange(log::Table::kRequests, log::MessageKey(queue, first).bytes(), log::MessageKey(queue, end).bytes());
}

absl::Status LoadRequestIds(log::Log* log, uint64_t queue,
                            absl::FunctionRef<void(absl::string_view, uint64_t, int64_t)> visit) {
  bool damaged = false;
  const absl::Status status =
      log::ScanAndWait(log, log::Table::kRequests, log::MessageKey(queue, 0).bytes(),
                       log::MessageKey(queue + 1, 0).bytes(), [&](absl::string_view key, absl::string_view value) {
                         uint64_t found;
                         uint64_t sequence;
                         uint64_t time_us;
                         damaged = !log::ParseMessageKey(key, &found, &sequence) ||
                                   !log::ParseBigEndian(value.substr(0, kTimeBytes), &time_us);
                         if (!damaged) visit(value.substr(kTimeBytes), sequence, static_cast<int64_t>(time_us));
                         return !damaged;
                       });
  if (!status.ok() || !damaged) return status;
  return absl::DataLossError(absl::StrCat("the request ids of queue number ", queue,
                                          " are damaged; restore the data directory from a backup"));
}

}  // namespace nmq::broker
