#ifndef NMQ_SERVER_QUEUE_PREPARER_H_
#define NMQ_SERVER_QUEUE_PREPARER_H_

#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/log/batch.h"
#include "server/queue/append.h"
#include "server/queue/known_requests.h"
#include "server/queue/queue_on_disk.h"

namespace nmq::broker {

// Gives messages of a queue on disk their sequences and encodes them, before they are written. Only for the committer's
// thread, but for NoteRequests.
class Preparer {
 public:
  // `stamps` is the namespace's; it must outlive the preparer.
  Preparer(uint64_t epoch, const QueueOnDisk& disk, std::atomic<uint64_t>* stamps)
      : epoch_(epoch),
        number_(disk.number),
        stamps_(stamps),
        next_sequence_(disk.extent.end),
        last_time_us_(disk.extent.last_time_us) {}

  // The last sequence that was given.
  uint64_t last() const { return next_sequence_ - 1; }

  // Begins a batch of one publisher: `prepared` is empty.
  void Begin(absl::Time time, Prepared* prepared);
  // Finds the duplicates among the messages and notes the ids of the others, which are added to `batch`. Under the
  // queue's mutex, which guards `requests`; only needed if a message has an id.
  void NoteRequests(absl::Span<const Outgoing> messages, int64_t now_us, KnownRequests* requests, log::Batch* batch,
                    Prepared* prepared) const;
  // Gives the messages that are no duplicates their sequences, and adds them to `batch`.
  void Prepare(absl::Span<const Outgoing> messages, absl::string_view publisher, absl::string_view reply_to,
               log::Batch* batch, Prepared* prepared);
  // The messages could not be written; what was prepared last is taken back first.
  void TakeBack(const Prepared& prepared) { next_sequence_ = prepared.first; }

 private:
  const uint64_t epoch_;
  const uint64_t number_;  // in the store
  std::atomic<uint64_t>* const stamps_;
  uint64_t next_sequence_;
  int64_t last_time_us_;  // of the last message, since 1970
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_PREPARER_H_
