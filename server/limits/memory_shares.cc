#include "server/limits/memory_shares.h"

#include <algorithm>

#include "base/bytes.h"

namespace nmq {

MemoryShares ShareMemory(uint64_t memory_bytes) {
  MemoryShares shares;
  shares.incoming = std::max(memory_bytes / 8, 8 * kMiB);
  shares.outgoing = std::max(memory_bytes / 8, 8 * kMiB);
  shares.reflection = std::clamp(memory_bytes / 128, kMiB, 16 * kMiB);
  shares.commit = std::clamp(memory_bytes / 64, kMiB, 64 * kMiB);
  shares.write_buffer = std::clamp(memory_bytes / 64, kMiB, 16 * kMiB);
  shares.table_buffer = std::clamp(memory_bytes / 256, kMiB, 4 * kMiB);
  shares.block_cache = std::clamp(memory_bytes / 32, 2 * kMiB, 16 * kMiB);
  shares.logs = std::clamp(memory_bytes / 8, 4 * kMiB, 64 * kMiB);
  return shares;
}

MemoryUse JudgeMemoryUse(uint64_t used_bytes, uint64_t memory_bytes) {
  if (used_bytes > memory_bytes / 8 * 7) return MemoryUse::kCritical;
  return used_bytes > memory_bytes / 4 * 3 ? MemoryUse::kShort : MemoryUse::kFine;
}

}  // namespace nmq
