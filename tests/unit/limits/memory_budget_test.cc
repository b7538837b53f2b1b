#include "server/limits/memory_budget.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace nmq {
namespace {

struct CountingWaiter final : MemoryBudget::Waiter {
  void OnTaken() override { ++taken; }
  std::atomic<int> taken{0};
};

TEST(MemoryBudget, GivesWhatIsThere) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.TryTake(60));
  EXPECT_FALSE(budget.TryTake(41));
  EXPECT_TRUE(budget.TryTake(40));
  EXPECT_FALSE(budget.TryTake(1));
  budget.GiveBack(60);
  EXPECT_TRUE(budget.TryTake(60));
  EXPECT_EQ(budget.taken(), 100u);
}

TEST(MemoryBudget, WantOfMoreThanThereIsGetsItAlone) {
  MemoryBudget budget(100);
  EXPECT_TRUE(budget.TryTake(101));
  EXPECT_FALSE(budget.TryTake(1));
  budget.GiveBack(101);
  EXPECT_TRUE(budget.TryTake(1));
  EXPECT_FALSE(budget.TryTake(101));
  EXPECT_FALSE(budget.TryTake(UINT64_MAX));
}

TEST(MemoryBudget, WaitersAreServedInTheOrderInWhichTheyCame) {
  MemoryBudget budget(100);
  CountingWaiter large;
  CountingWaiter small;
  ASSERT_TRUE(budget.TryTake(100));
  budget.Wait(80, &large);
  budget.Wait(10, &small);
  EXPECT_TRUE(budget.anyone_waits());
  budget.GiveBack(50);
  EXPECT_EQ(large.taken, 0);
  EXPECT_EQ(small.taken, 0);
  // Nobody overtakes them.
  EXPECT_FALSE(budget.TryTake(1));
  budget.GiveBack(30);
  EXPECT_EQ(large.taken, 1);
  EXPECT_EQ(small.taken, 0);
  budget.GiveBack(20);
  EXPECT_EQ(small.taken, 1);
  EXPECT_FALSE(budget.anyone_waits());
  EXPECT_EQ(budget.taken(), 90u);
}

TEST(MemoryBudget, WaiterThatFindsEnoughIsServedAtOnce) {
  MemoryBudget budget(100);
  CountingWaiter waiter;
  budget.Wait(100, &waiter);
  EXPECT_EQ(waiter.taken, 1);
  EXPECT_FALSE(budget.Leave(&waiter));
}

TEST(MemoryBudget, LeavingLetsTheNextOnesCome) {
  MemoryBudget budget(100);
  CountingWaiter large;
  CountingWaiter small;
  ASSERT_TRUE(budget.TryTake(50));
  budget.Wait(80, &large);
  budget.Wait(10, &small);
  EXPECT_TRUE(budget.Leave(&large));
  EXPECT_EQ(small.taken, 1);
  EXPECT_EQ(large.taken, 0);
}

TEST(MemoryBudget, WhatIsTakenWithoutAskingMustBeGivenBack) {
  MemoryBudget budget(100);
  budget.Take(150);
  EXPECT_FALSE(budget.TryTake(1));
  budget.GiveBack(149);
  EXPECT_TRUE(budget.TryTake(99));
}

TEST(MemoryBudget, IsNeverOverdrawnByThreadsAndNobodyIsForgotten) {
  constexpr uint64_t kMax = 10;
  MemoryBudget budget(kMax);
  std::atomic<uint64_t> held{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5000; ++round) {
        CountingWaiter waiter;
        if (!budget.TryTake(4)) {
          budget.Wait(4, &waiter);
          while (waiter.taken == 0) std::this_thread::yield();
        }
        EXPECT_LE(held.fetch_add(4) + 4, kMax);
        held.fetch_sub(4);
        budget.GiveBack(4);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.taken(), 0u);
}

}  // namespace
}  // namespace nmq
