#ifndef NMQ_SERVER_QUEUE_DISK_SEARCH_H_
#define NMQ_SERVER_QUEUE_DISK_SEARCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/config/config.h"
#include "server/log/log.h"
#include "server/presence/memberships.h"
#include "server/queue/filter.h"
#include "server/queue/queue_on_disk.h"

namespace nmq::broker {

// What is looked for among the messages of a queue on disk, and deleted of them. All may take long, and take no lock of
// the queue. All but FindLast wait for the disk.

// Messages with sequences in [first, end).
struct Sequences {
  uint64_t first;
  uint64_t end;
};

// Whom something is looked for.
struct SearchFor {
  std::shared_ptr<const Memberships> memberships;
  log::Log::Wanted wanted;  // whether somebody still waits for it; null: always
};
// Called once, on a thread of the log's, under no lock; it must not block.
using FoundSequence = std::function<void(absl::StatusOr<uint64_t>)>;

// Where the last `count` messages of those held begin that `filter` and the memberships let through, as far as they are
// not too far back. CANCELLED if nobody waits any more. `clock` must outlive the search.
void FindLast(const QueueOnDisk& disk, Sequences held, uint64_t count, EventFilter filter, SearchFor who,
              const Clock* clock, FoundSequence done);

// What of those held the retention keeps.
struct Kept {
  uint64_t first;
  uint64_t bytes;     // of all messages of those held
  int64_t oldest_us;  // no message is older; since 1970
};
// `oldest_us` is what the last one found.
absl::StatusOr<Kept> FindKept(const QueueOnDisk& disk, Sequences held, const RetentionConfig& retention,
                              int64_t oldest_us, absl::Time now);

// What is left of messages on disk after a trim.
struct Left {
  absl::Status status;            // of the trim
  uint64_t first;                 // the first message that is still there
  std::optional<uint64_t> bytes;  // of those from there on; not set if it cannot be read
};
// Deletes those held that are before `first`. The store may have given them up though it answers an error, when only
// the sync failed: `first` of the answer is where the store begins now.
Left TrimStore(const QueueOnDisk& disk, Sequences held, uint64_t first, log::Sync sync);

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_DISK_SEARCH_H_
