#include "server/queue/known_requests.h"

#include <algorithm>

#include "server/queue/request_id_store.h"

namespace nmq::broker {

absl::Status KnownRequests::Restore(log::Log* log, absl::Time now, int64_t now_us) {
  const int64_t wall_us = absl::ToUnixMicros(now);
  absl::Status status =
      LoadRequestIds(log, disk_number_, [&](absl::string_view id, uint64_t sequence, int64_t time_us) {
        // The clock may have been set back.
        const int64_t age_us = std::max<int64_t>(0, wall_us - time_us);
        ids_.Restore(id, sequence, now_us - age_us);
      });
  ids_.Trim(now_us);
  return status;
}

void KnownRequests::Add(absl::string_view id, uint64_t sequence, int64_t now_us, int64_t time_us, log::Batch* batch) {
  ids_.Add(id, sequence, now_us);
  PutRequestId(disk_number_, sequence, time_us, id, batch);
}

void KnownRequests::DropForgotten(log::Batch* batch) {
  dropping_ = std::max(dropped_, ids_.forgotten());
  if (dropping_ > dropped_) DeleteRequestIds(disk_number_, dropped_ + 1, dropping_ + 1, batch);
}

}  // namespace nmq::broker
