#include "server/limits/heap.h"

#include <sys/resource.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

constexpr size_t kPieceBytes = 100'000;
constexpr int kPieces = 1000;

using Pieces = std::vector<std::unique_ptr<std::vector<char>>>;

// Pieces in a row, all in use.
Pieces Take() {
  Pieces pieces;
  for (int i = 0; i < kPieces; ++i) pieces.push_back(std::make_unique<std::vector<char>>(kPieceBytes, 'x'));
  return pieces;
}

TEST(Heap, ResidentBytesAreWhatIsInUse) {
  const uint64_t before = ResidentBytes();
  const Pieces pieces = Take();
  EXPECT_GE(ResidentBytes(), before + kPieces * kPieceBytes / 10 * 9);
}

// What is allocated and not touched takes address space, but no memory.
TEST(Heap, UnderALimitOfTheAddressSpaceWhatIsAllocatedIsInUse) {
  constexpr uint64_t kLarge = 200 * kMiB;
  constexpr uint64_t kMemory = 256 * kMiB;
  const uint64_t before = UsedBytes(kMemory);
  const std::unique_ptr<void, decltype(&free)> untouched(malloc(kLarge), &free);
  ASSERT_NE(untouched, nullptr);
  EXPECT_LT(UsedBytes(kMemory), before + kLarge / 2);
  ASSERT_LT(before + kLarge / 2, kLarge);
  rlimit unlimited;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &unlimited), 0);
  const rlimit limit = {64 * kGiB, unlimited.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_GE(UsedBytes(kMemory), kLarge);
  setrlimit(RLIMIT_AS, &unlimited);
}

TEST(Heap, WhatWasFreeTwiceIsGivenBackThoughSomethingBehindItIsInUse) {
  const uint64_t before = ResidentBytes();
  Pieces pieces = Take();
  const auto behind = std::make_unique<std::vector<char>>(kPieceBytes, 'x');
  pieces.clear();
  GiveBackFreeMemory(/*at_once=*/false);
  GiveBackFreeMemory(/*at_once=*/false);
  EXPECT_LE(ResidentBytes(), before + 16 * kMiB);
}

TEST(Heap, WhatIsFreeIsGivenBackAtOnceAndEachTime) {
  const uint64_t before = ResidentBytes();
  for (int i = 0; i < 3; ++i) {
    Pieces pieces = Take();
    const auto behind = std::make_unique<std::vector<char>>(kPieceBytes, 'x');
    pieces.clear();
    GiveBackFreeMemory(/*at_once=*/true);
    EXPECT_LE(ResidentBytes(), before + 16 * kMiB);
  }
}

}  // namespace
}  // namespace nmq
