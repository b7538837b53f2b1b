#ifndef NMQ_SERVER_QUEUE_DELIVERY_H_
#define NMQ_SERVER_QUEUE_DELIVERY_H_

#include <cstdint>
#include <vector>

#include "nmq/v1/message_queue.pb.h"
#include "server/log/chunk.h"

namespace nmq::broker {

// What one look at a subscription brings: messages, or a gap.
struct Delivery {
  std::vector<log::ByteRange> ranges;  // entries, in order
  uint64_t bytes = 0;
  uint64_t messages = 0;
  v1::Gap gap;
  bool has_gap = false;

  bool empty() const { return messages == 0 && !has_gap; }
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_DELIVERY_H_
