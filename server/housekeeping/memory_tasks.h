// What is done all the time so that the process stays within its memory.
#ifndef NMQ_SERVER_HOUSEKEEPING_MEMORY_TASKS_H_
#define NMQ_SERVER_HOUSEKEEPING_MEMORY_TASKS_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "server/housekeeping/housekeeper.h"
#include "server/limits/memory_shares.h"

namespace nmq {

// Calls `relieve` all the time, with how much of `memory_bytes` is in use; if that is much, all that is free was given
// back before. Gives free memory back once a second. For one housekeeper.
std::vector<Housekeeper::Task> MemoryTasks(uint64_t memory_bytes, std::function<void(MemoryUse)> relieve);

}  // namespace nmq

#endif  // NMQ_SERVER_HOUSEKEEPING_MEMORY_TASKS_H_
