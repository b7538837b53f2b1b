#ifndef NMQ_SERVER_LOG_EXTENT_H_
#define NMQ_SERVER_LOG_EXTENT_H_

#include <cstdint>

namespace nmq::log {

// What is kept of a queue.
struct Extent {
  uint64_t first = 1;  // end if it holds nothing
  uint64_t end = 1;    // the sequence that the next message gets
  uint64_t bytes = 0;  // of entries and their bookkeeping
  int64_t last_time_us = 0;
};

}  // namespace nmq::log

#endif  // NMQ_SERVER_LOG_EXTENT_H_
