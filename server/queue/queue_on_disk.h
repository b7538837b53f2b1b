#ifndef NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_
#define NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "server/log/extent.h"
#include "server/log/log.h"

namespace nmq::broker {

// An epoch of a queue that is over, for the disk had lost messages of it. Messages with sequences below `end` that
// belong to no earlier epoch are of this one.
struct PastEpoch {
  uint64_t epoch;
  uint64_t end;
};

// Where the messages of a queue are on disk.
struct QueueOnDisk {
  // The epoch of the message with this sequence, held or not, and where that epoch ends; UINT64_MAX if it is the
  // present one.
  uint64_t EpochOf(uint64_t sequence) const;
  uint64_t EpochEnd(uint64_t sequence) const;
  // Where an epoch that is over ended; nothing if it is none that is known.
  std::optional<uint64_t> EndOfPast(uint64_t past_epoch) const;

  log::Log* log = nullptr;  // outlives the queue
  uint64_t number = 0;
  uint64_t epoch = 0;
  std::vector<PastEpoch> past_epochs = {};  // the oldest first
  bool lost = false;                        // the last of these ended when this run began
  bool sync = true;                         // whether a message is synced before its publisher is answered
  log::Extent extent;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_
