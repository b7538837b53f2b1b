#include "server/limits/memory_shares.h"

#include <cstdint>

#include "base/bytes.h"
#include "gtest/gtest.h"
#include "server/limits/limits.h"

namespace nmq {
namespace {

// What is written exists so many times: as it came, with its headers, as the store's changes, and in its tables.
constexpr uint64_t kCopies = 4;
constexpr uint64_t kTables = 5;
constexpr uint64_t kBuffers = 3;

// All that the server may have in memory, in its worst moment.
uint64_t Together(uint64_t memory) {
  const MemoryShares shares = ShareMemory(memory);
  // One table at a time is written much.
  return ResolveLimits({}, memory)->all_queues_bytes + shares.incoming + shares.outgoing + shares.reflection +
         kCopies * shares.commit + kBuffers * shares.write_buffer + (kTables + 1) * shares.table_buffer +
         shares.block_cache;
}

TEST(MemoryShares, TogetherAreLessThanTheWhole) {
  for (const uint64_t mib : {128, 192, 256, 512, 1024, 4096, 65536}) {
    EXPECT_LE(Together(mib * kMiB), mib * kMiB / 4 * 3) << mib << " MiB";
  }
}

TEST(MemoryShares, OfALargeMachineAreWhatTheServerCanUse) {
  const MemoryShares shares = ShareMemory(uint64_t{24} << 30);
  EXPECT_EQ(shares.commit, 64 * kMiB);
  EXPECT_EQ(shares.write_buffer, 16 * kMiB);
  EXPECT_EQ(shares.table_buffer, 4 * kMiB);
  EXPECT_EQ(shares.block_cache, 16 * kMiB);
  EXPECT_EQ(shares.logs, 64 * kMiB);
}

TEST(MemoryShares, AreSomethingHoweverLittleThereIs) {
  const MemoryShares shares = ShareMemory(1);
  EXPECT_GE(shares.incoming, kMiB);
  EXPECT_GE(shares.commit, kMiB);
  EXPECT_GE(shares.write_buffer, kMiB);
}

TEST(MemoryUse, IsShortAboveThreeQuartersAndCriticalAboveSevenEighths) {
  EXPECT_EQ(JudgeMemoryUse(600, 800), MemoryUse::kFine);
  EXPECT_EQ(JudgeMemoryUse(601, 800), MemoryUse::kShort);
  EXPECT_EQ(JudgeMemoryUse(700, 800), MemoryUse::kShort);
  EXPECT_EQ(JudgeMemoryUse(701, 800), MemoryUse::kCritical);
}

}  // namespace
}  // namespace nmq
