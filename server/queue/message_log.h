#ifndef NMQ_SERVER_QUEUE_MESSAGE_LOG_H_
#define NMQ_SERVER_QUEUE_MESSAGE_LOG_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "nmq/v1/message_queue.pb.h"
#include "server/config/config.h"
#include "server/log/block.h"
#include "server/log/ring.h"
#include "server/queue/hearing.h"
#include "server/queue/queue_on_disk.h"

namespace nmq::broker {

// The messages that a queue holds: its latest ones in a ring, and, of a queue on disk, how far those go back that are
// there. Reads and writes no disk. Thread-compatible: the queue's mutex guards it.
class MessageLog {
 public:
  struct Options {
    std::string queue;  // its name
    uint64_t epoch = 0;
    RetentionConfig retention;
    RetentionConfig ring_bounds;  // what the ring holds of a queue on disk
    log::RingTotal* total;        // must outlive the log
    const Clock* clock;           // must outlive the log
    std::optional<QueueOnDisk> disk = {};
  };
  explicit MessageLog(Options options);

  const std::string& queue() const { return options_.queue; }
  // The present epoch, and that of a message, held or not.
  uint64_t epoch() const { return options_.epoch; }
  uint64_t EpochOf(uint64_t sequence) const { return durable() ? disk().EpochOf(sequence) : epoch(); }
  bool durable() const { return options_.disk.has_value(); }
  // Only of a log with messages on disk.
  const QueueOnDisk& disk() const { return *options_.disk; }
  Members members() const { return durable() ? Members::kThenOrNow : Members::kThen; }

  // The messages that are held are those in [first, end), in memory or on disk; the ring has the last ones.
  uint64_t first() const { return durable() ? disk_first_ : ring_.first(); }
  uint64_t end() const { return ring_.end(); }
  const log::Ring& ring() const { return ring_; }
  // Of what is held.
  uint64_t bytes() const { return durable() ? disk_bytes_ : ring_.bytes(); }
  // The first message of the ring that is not older than `time_us`, on the monotonic clock.
  uint64_t FirstSince(int64_t time_us) const;
  // Whether the time of a message is over.
  bool Expired(const log::Audience* audience) const {
    return audience != nullptr && audience->expire_us != 0 &&
           audience->expired(absl::ToUnixMicros(options_.clock->Now()));
  }
  // Messages from `from` on that the ring has, as the store's Read gives them, but without their times; null if the
  // ring has not got the first.
  std::shared_ptr<const log::Block> BlockFromRing(uint64_t from, uint64_t end, uint64_t bytes_max) const;

  // Adds the next message, of `size` bytes, which the caller writes to the returned place. Nothing is given up yet: see
  // Trim.
  char* Append(size_t size, uint64_t stamp, int64_t now_us, const std::shared_ptr<const log::Audience>& audience) {
    return ring_.Append(size, stamp, now_us, audience);
  }
  // So many bytes of messages were written to disk.
  void Wrote(uint64_t bytes) { disk_bytes_ += bytes; }

  const RetentionConfig& retention() const { return retention_; }
  // What is held above that goes with the next Trim.
  void set_retention(const RetentionConfig& retention);
  // Gives up what the ring holds above its bounds.
  void Trim(int64_t now_us) { ring_.Trim(now_us); }
  // The messages before `first` are deleted from disk. Whether some of them were held.
  bool TrimmedOnDisk(uint64_t first);
  // What is on disk has so many bytes.
  void set_disk_bytes(uint64_t bytes) { disk_bytes_ = bytes; }
  // No message on disk is older than that; microseconds since 1970.
  int64_t disk_oldest_us() const { return disk_oldest_us_; }
  void set_disk_oldest_us(int64_t oldest_us) { disk_oldest_us_ = oldest_us; }

  // What is before `first` is about to be purged: a cursor that finds it gone from disk has lost it by that.
  void BeginPurge(uint64_t first) { purging_end_ = first; }
  // Gives up what is before `first`, as purged, and ends what was begun.
  void Purge(uint64_t first);
  // Whether what is before `first` went by Purge.
  bool WasPurged(uint64_t first) const { return first <= std::max(purged_end_, purging_end_); }
  // Why a cursor that has lost what is before `end` has lost it.
  v1::GapReason LossReason(uint64_t end) const {
    return WasPurged(end) ? v1::GAP_REASON_PURGED : v1::GAP_REASON_SLOW_SUBSCRIBER;
  }

  v1::Gap GapOf(uint64_t first, uint64_t end, uint64_t count, v1::GapReason reason) const;
  // That all from `first` on is missing in this epoch.
  v1::Gap EndOfEpoch(uint64_t epoch, uint64_t first) const;
  void SetPosition(uint64_t sequence, v1::QueuePosition* position) const;

 private:
  const Options options_;
  RetentionConfig retention_;
  log::Ring ring_;
  uint64_t purged_end_ = 0;     // what went before this was purged
  uint64_t purging_end_ = 0;    // or is being purged
  uint64_t disk_first_ = 1;     // the oldest sequence on disk
  uint64_t disk_bytes_ = 0;     // of messages on disk
  int64_t disk_oldest_us_ = 0;  // no message on disk is older; since 1970
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_MESSAGE_LOG_H_
