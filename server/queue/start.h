#ifndef NMQ_SERVER_QUEUE_START_H_
#define NMQ_SERVER_QUEUE_START_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "nmq/v1/message_queue.pb.h"

namespace nmq::broker {

// Where a subscription starts.
struct Start {
  enum class Kind { kNew, kEarliest, kLast, kSequence, kResume, kTime };
  Kind kind = Kind::kNew;
  uint64_t number = 0;                                            // of kLast and kSequence
  absl::flat_hash_map<std::string, v1::QueuePosition> positions;  // of kResume, by queue
  int64_t time_us = 0;                                            // of kTime, since 1970
  int64_t monotonic_us = 0;                                       // the same on the monotonic clock
  // Of kLast and kTime: what was found before the subscription starts, since it may take long, by queue. A queue
  // without it, or with another epoch, was made since then.
  struct Found {
    uint64_t epoch;
    uint64_t sequence;
  };
  absl::flat_hash_map<std::string, Found> found;

  static absl::StatusOr<Start> Parse(const v1::StartPosition& position, uint64_t positions_max);
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_START_H_
