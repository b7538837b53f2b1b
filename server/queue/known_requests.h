#ifndef NMQ_SERVER_QUEUE_KNOWN_REQUESTS_H_
#define NMQ_SERVER_QUEUE_KNOWN_REQUESTS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/log/batch.h"
#include "server/log/log.h"
#include "server/queue/request_ids.h"

namespace nmq::broker {

// The request ids that a queue knows, with those of messages that are prepared and not yet written; of a queue on disk
// they are there, too. Thread-compatible: the queue's mutex guards it.
class KnownRequests {
 public:
  // At the most `count_max`, for `window`. `disk_number` is the queue's number in the store; unused for a live queue.
  KnownRequests(absl::Duration window, uint64_t count_max, uint64_t disk_number)
      : ids_(absl::ToInt64Microseconds(window), count_max), disk_number_(disk_number) {}

  // Knows again what is on disk; waits for it.
  absl::Status Restore(log::Log* log, absl::Time now, int64_t now_us);

  // The sequence of the id's message, if it is known.
  std::optional<uint64_t> Find(absl::string_view id, int64_t now_us) const { return ids_.Find(id, now_us); }
  // Notes the message of an id that Find did not find.
  void Add(absl::string_view id, uint64_t sequence, int64_t now_us) { ids_.Add(id, sequence, now_us); }
  // The same for a message that is to be on disk; `time_us` is its time, since 1970.
  void Add(absl::string_view id, uint64_t sequence, int64_t now_us, int64_t time_us, log::Batch* batch);
  // The messages from `first` on could not be written.
  void TakeBack(uint64_t first) { ids_.TakeBack(first); }
  // Forgets what is too old.
  void Trim(int64_t now_us) { ids_.Trim(now_us); }

  // Whether ids are on disk that are known no more.
  bool HasForgotten() const { return ids_.forgotten() > dropped_; }
  // Adds their deletion to `batch`; NoteDropped once that is written.
  void DropForgotten(log::Batch* batch);
  void NoteDropped() { dropped_ = dropping_; }

 private:
  RequestIds ids_;
  const uint64_t disk_number_;
  uint64_t dropping_ = 0;  // the last message whose id is being deleted from disk
  uint64_t dropped_ = 0;   // up to this message they were
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_KNOWN_REQUESTS_H_
