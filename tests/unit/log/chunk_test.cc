#include "server/log/chunk.h"

#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace nmq::log {
namespace {

TEST(Chunk, IsFilledFromTheFront) {
  const ChunkRef chunk = ChunkRef::Adopt(new Chunk(10));
  EXPECT_EQ(chunk->room(), 10u);
  memcpy(chunk->Extend(4), "abcd", 4);
  EXPECT_EQ(chunk->size(), 4u);
  EXPECT_EQ(chunk->room(), 6u);
  memcpy(chunk->Extend(6), "efghij", 6);
  EXPECT_EQ(chunk->room(), 0u);
  EXPECT_EQ(memcmp(chunk->data(), "abcdefghij", 10), 0);
}

TEST(ChunkRef, EmptyOneIsFalse) {
  ChunkRef none;
  EXPECT_FALSE(none);
  const ChunkRef some = ChunkRef::Adopt(new Chunk(1));
  EXPECT_TRUE(some);
  none = some;
  EXPECT_EQ(none.get(), some.get());
}

// With the address sanitizer these also show that nothing is freed twice, too early, or never.
TEST(ChunkRef, BytesLiveAsLongAsTheLastReference) {
  ByteRange range;
  {
    ChunkRef chunk = ChunkRef::Adopt(new Chunk(10));
    memcpy(chunk->Extend(10), "0123456789", 10);
    range = ByteRange{chunk, 3, 4};
    ChunkRef moved = std::move(chunk);
    EXPECT_FALSE(chunk);  // NOLINT(bugprone-use-after-move)
  }
  EXPECT_EQ(memcmp(range.data(), "3456", 4), 0);
}

TEST(ChunkRef, ReleaseGivesTheReferenceAway) {
  ChunkRef chunk = ChunkRef::Adopt(new Chunk(1));
  Chunk* const raw = chunk.Release();
  EXPECT_FALSE(chunk);
  raw->Unref();
}

TEST(ChunkRef, MayBeCopiedOnManyThreads) {
  ChunkRef chunk = ChunkRef::Adopt(new Chunk(8));
  memcpy(chunk->Extend(8), "constant", 8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([chunk] {
      for (int round = 0; round < 10000; ++round) {
        const ByteRange range{chunk, 0, 8};
        const ByteRange copy = range;
        ASSERT_EQ(memcmp(copy.data(), "constant", 8), 0);
      }
    });
  }
  chunk = ChunkRef();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace nmq::log
