#ifndef NMQ_TESTS_UNIT_RPC_LOOP_FACTS_H_
#define NMQ_TESTS_UNIT_RPC_LOOP_FACTS_H_

// What holds for the loop of every transport. Include it once, and instantiate LoopFacts with a fixture that is a
// RunningLoop.

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/rpc/loop.h"
#include "tests/testing/notification.h"

namespace nmq::rpc {

class RunningLoop : public testing::Test {
 protected:
  virtual Loop& loop() = 0;
  // Ends the loop, which stays there.
  virtual void Stop() = 0;

  // Runs `task` on the loop, and waits until that is done.
  void Run(const std::function<void()>& task) {
    Notification done;
    loop().Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }
};

template <typename OfTransport>
class LoopFacts : public OfTransport {};

TYPED_TEST_SUITE_P(LoopFacts);

TYPED_TEST_P(LoopFacts, TasksRunOnItsThreadInTheirOrder) {
  std::vector<int> order;
  for (int i = 1; i <= 3; ++i) {
    this->loop().Post([&, i] {
      EXPECT_TRUE(this->loop().IsCurrent());
      order.push_back(i);
    });
  }
  this->Run([] {});
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
  EXPECT_FALSE(this->loop().IsCurrent());
}

TYPED_TEST_P(LoopFacts, NoWakeIsLost) {
  int count = 0;  // for the loop only
  constexpr int kPosts = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kPosts; ++j) this->loop().Post([&] { ++count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 1'000; ++i) this->Run([] {});
  this->Run([&] { EXPECT_EQ(count, 2 * kPosts); });
}

TYPED_TEST_P(LoopFacts, TimersComeInTheOrderOfTheirTimes) {
  struct Seen {
    std::vector<int> order;
    Notification last;
  } seen;
  Loop::Timer first([&seen] { seen.order.push_back(1); });
  Loop::Timer never([&seen] { seen.order.push_back(0); });
  Loop::Timer second([&seen] {
    seen.order.push_back(2);
    seen.last.Notify();
  });
  this->Run([&] {
    const absl::Duration now = RealClock().Monotonic();
    this->loop().SetTimer(&second, now + absl::Milliseconds(2));
    this->loop().SetTimer(&first, now + absl::Milliseconds(1));
    this->loop().SetTimer(&never, now);
    this->loop().CancelTimer(&never);
  });
  seen.last.WaitForNotification();
  EXPECT_THAT(seen.order, testing::ElementsAre(1, 2));
}

TYPED_TEST_P(LoopFacts, ForgetsWhatIsPostedAfterItsEnd) {
  const auto kept = std::make_shared<bool>(false);
  this->Stop();
  this->loop().Post([kept] { *kept = true; });
  EXPECT_EQ(kept.use_count(), 1) << "a task that keeps the loop would keep it for ever";
  EXPECT_FALSE(*kept);
}

REGISTER_TYPED_TEST_SUITE_P(LoopFacts, TasksRunOnItsThreadInTheirOrder, NoWakeIsLost, TimersComeInTheOrderOfTheirTimes,
                            ForgetsWhatIsPostedAfterItsEnd);

}  // namespace nmq::rpc

#endif  // NMQ_TESTS_UNIT_RPC_LOOP_FACTS_H_
