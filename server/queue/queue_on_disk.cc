#include "server/queue/queue_on_disk.h"

namespace nmq::broker {

uint64_t QueueOnDisk::EpochOf(uint64_t sequence) const {
  for (const PastEpoch& past : past_epochs) {
    if (sequence < past.end) return past.epoch;
  }
  return epoch;
}

uint64_t QueueOnDisk::EpochEnd(uint64_t sequence) const {
  for (const PastEpoch& past : past_epochs) {
    if (sequence < past.end) return past.end;
  }
  return UINT64_MAX;
}

std::optional<uint64_t> QueueOnDisk::EndOfPast(uint64_t past_epoch) const {
  for (const PastEpoch& past : past_epochs) {
    if (past.epoch == past_epoch) return past.end;
  }
  return std::nullopt;
}

}  // namespace nmq::broker
