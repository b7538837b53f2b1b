#ifndef NMQ_SERVER_QUEUE_MAILBOX_H_
#define NMQ_SERVER_QUEUE_MAILBOX_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/log/chunk.h"
#include "server/queue/delivery.h"

namespace nmq::broker {

// What a group has for one of its members, on its way to the member's stream. The member's credit bounds it.
// Thread-safe.
class Mailbox {
 public:
  // Entries, in order, and gaps to be told before them.
  void Put(std::vector<log::ByteRange> entries, const std::vector<v1::Gap>& gaps) ABSL_LOCKS_EXCLUDED(mu_);
  bool empty() const { return empty_.load(std::memory_order_acquire); }
  // Adds entries to `delivery`, up to `bytes_max` in all but at least one, or one gap.
  void Take(uint64_t bytes_max, Delivery* delivery) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes out the entries, in order, which are not for the member any more. Gaps stay.
  std::vector<log::ByteRange> TakeBack() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Further ones are added to the last of the same reason.
  static constexpr size_t kGapsMax = 16;

  std::atomic<bool> empty_{true};
  Mutex mu_;  // a leaf: nothing is locked under it
  std::deque<log::ByteRange> entries_ ABSL_GUARDED_BY(mu_);
  std::deque<v1::Gap> gaps_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_MAILBOX_H_
