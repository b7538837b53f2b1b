// How the memory that this process may use is divided.
#ifndef NMQ_SERVER_LIMITS_MEMORY_SHARES_H_
#define NMQ_SERVER_LIMITS_MEMORY_SHARES_H_

#include <cstdint>

namespace nmq {

// What each part of the server may take, in bytes, beside the rings (Limits::all_queues_bytes). Together with what the
// program itself takes, and with what is lost between the pieces, they are less than the whole, if that is 128 MiB or
// more. On a large machine each has what it can use, and no more.
struct MemoryShares {
  // Requests, from when they are received until they are answered.
  uint64_t incoming;
  // Messages on their way to subscribers.
  uint64_t outgoing;
  // Answers of reflection, until their callers read them: anybody may ask for those.
  uint64_t reflection;
  // What is written to disk at once. It exists several times meanwhile.
  uint64_t commit;
  // Messages that the store gathers before they become a file; there may be three of these.
  uint64_t write_buffer;
  // The same of each small table.
  uint64_t table_buffer;
  // Blocks of files that were read.
  uint64_t block_cache;
  // The store's logs, which it reads into memory when it opens after a crash.
  uint64_t logs;
};

MemoryShares ShareMemory(uint64_t memory_bytes);

// How much of the memory is in use. In a state that is not fine, what nobody counts must go: first what others wait
// for, and when it is critical whatever may be it.
enum class MemoryUse { kFine, kShort, kCritical };

MemoryUse JudgeMemoryUse(uint64_t used_bytes, uint64_t memory_bytes);

}  // namespace nmq

#endif  // NMQ_SERVER_LIMITS_MEMORY_SHARES_H_
