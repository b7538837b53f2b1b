#ifndef NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_
#define NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_

#include <cstdint>

#include "base/worker.h"
#include "server/log/store.h"

namespace nmq::broker {

// Where the messages of a queue are on disk.
struct QueueOnDisk {
  log::Store* store = nullptr;  // outlives the queue
  Worker* reader = nullptr;     // for what reads the store; outlives the queue
  uint64_t number = 0;
  uint64_t epoch = 0;
  bool sync = true;  // whether a message is synced before its publisher is answered
  log::Store::Extent extent;
};

}  // namespace nmq::broker

#endif  // NMQ_SERVER_QUEUE_QUEUE_ON_DISK_H_
