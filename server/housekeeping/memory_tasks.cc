#include "server/housekeeping/memory_tasks.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "server/limits/heap.h"

namespace nmq {
namespace {

constexpr absl::Duration kGiveBackPeriod = absl::Seconds(1);
// In this time no network and no disk fills a quarter of the memory, if that is 256 MiB or more.
constexpr absl::Duration kLookPeriod = absl::Milliseconds(10);
constexpr absl::Duration kLookPeriodMax = absl::Milliseconds(100);
constexpr uint64_t kBytesALook = 256 << 20;

// Longer where there is more.
absl::Duration LookPeriod(uint64_t memory_bytes) {
  return std::clamp(kLookPeriod * (memory_bytes / kBytesALook), kLookPeriod, kLookPeriodMax);
}

}  // namespace

std::vector<Housekeeper::Task> MemoryTasks(uint64_t memory_bytes, std::function<void(MemoryUse)> relieve) {
  auto look = [memory_bytes, relieve = std::move(relieve)] {
    MemoryUse use = JudgeMemoryUse(UsedBytes(memory_bytes), memory_bytes);
    if (use != MemoryUse::kFine) {
      GiveBackFreeMemory(/*at_once=*/true);
      use = JudgeMemoryUse(UsedBytes(memory_bytes), memory_bytes);
    }
    relieve(use);
  };
  return {
      {"memory", LookPeriod(memory_bytes), std::move(look)},
      {"free memory", kGiveBackPeriod, [] { GiveBackFreeMemory(/*at_once=*/false); }},
  };
}

}  // namespace nmq
