#include "base/mutex.h"

#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/deadline.h"
#include "gtest/gtest.h"

namespace nmq {
namespace {

TEST(CondVar, SaysThatTheTimeRanOut) {
  Mutex mu;
  CondVar never;
  MutexLock lock(&mu);
  for (const absl::Duration timeout : {absl::ZeroDuration(), -absl::Seconds(1), absl::Nanoseconds(1)}) {
    EXPECT_TRUE(never.WaitWithTimeout(&mu, timeout));
  }
  const Deadline deadline = Deadline::In(absl::Milliseconds(20));
  while (!never.WaitWithTimeout(&mu, deadline.Left())) {
  }
  EXPECT_TRUE(deadline.IsOver());
}

TEST(CondVar, MutexIsFreeWhileItIsWaitedFor) {
  Mutex mu;
  CondVar changed;
  bool waiting = false;
  bool done = false;
  std::thread waiter([&] {
    MutexLock lock(&mu);
    waiting = true;
    changed.SignalAll();
    while (!done) changed.Wait(&mu);
  });
  {
    MutexLock lock(&mu);
    while (!waiting) changed.Wait(&mu);
    done = true;
    changed.SignalAll();
  }
  waiter.join();
}

TEST(CondVar, WaitsForTimesThatNeverCome) {
  Mutex mu;
  CondVar changed;
  bool done = false;
  std::vector<std::thread> waiters;
  for (const absl::Duration timeout : {absl::InfiniteDuration(), absl::Hours(24 * 365 * 1000)}) {
    waiters.emplace_back([&mu, &changed, &done, timeout] {
      MutexLock lock(&mu);
      while (!done) EXPECT_FALSE(changed.WaitWithTimeout(&mu, timeout));
    });
  }
  {
    MutexLock lock(&mu);
    done = true;
  }
  changed.SignalAll();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(CondVar, NoSignalIsLost) {
  // Two rows of threads pass tokens to each other; one signal less, and all of them wait.
  constexpr int kThreads = 4;
  constexpr int kTokens = 20'000;
  Mutex mu;
  CondVar full;
  CondVar empty;
  int held = 0;
  int given = 0;
  int taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      MutexLock lock(&mu);
      while (true) {
        while (held == 2 && given < kTokens) empty.Wait(&mu);
        if (given == kTokens) break;
        ++given;
        ++held;
        full.Signal();
      }
      empty.SignalAll();
    });
    threads.emplace_back([&] {
      while (true) {
        MutexLock lock(&mu);
        while (held == 0 && taken < kTokens) full.Wait(&mu);
        if (taken == kTokens) break;
        --held;
        if (++taken == kTokens) full.SignalAll();
        empty.Signal();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kTokens);
}

}  // namespace
}  // namespace nmq
