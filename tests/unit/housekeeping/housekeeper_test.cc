#include "server/housekeeping/housekeeper.h"

#include <atomic>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "tests/testing/notification.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(1);

// Tells when it has run `count` times.
class Counter {
 public:
  explicit Counter(int count) : count_(count) {}
  void Run() {
    if (runs_.fetch_add(1) + 1 == count_) reached_.Notify();
  }
  void Wait() { reached_.WaitForNotification(); }
  int runs() const { return runs_; }

 private:
  const int count_;
  std::atomic<int> runs_{0};
  Notification reached_;
};

TEST(Housekeeper, RunsATaskAgainAndAgain) {
  Counter counter(5);
  Housekeeper housekeeper("test", {{"count", kShort, [&] { counter.Run(); }}}, &RealClock());
  ASSERT_TRUE(housekeeper.Start().ok());
  counter.Wait();
}

TEST(Housekeeper, RunsEachTaskOnceAPeriodOfItsOwn) {
  SimulatedClock clock;
  // Each run of the first is a tick; the second is due at every fifth.
  Counter ticks(20);
  std::atomic<int> fifths{0};
  Housekeeper housekeeper("test",
                          {{"tick", absl::Milliseconds(2),
                            [&] {
                              ticks.Run();
                              if (ticks.runs() < 20) clock.Advance(absl::Milliseconds(2));
                            }},
                           {"fifth", absl::Milliseconds(10), [&] { ++fifths; }}},
                          &clock);
  ASSERT_TRUE(housekeeper.Start().ok());
  clock.Advance(absl::Milliseconds(2));
  ticks.Wait();
  housekeeper.Stop();
  EXPECT_EQ(ticks.runs(), 20);
  EXPECT_EQ(fifths, 4);
}

TEST(Housekeeper, StopWaitsForTheTaskThatRuns) {
  Notification begun;
  std::atomic<bool> ended{false};
  Housekeeper housekeeper("test",
                          {{"long", kShort,
                            [&, first = true]() mutable {
                              if (!std::exchange(first, false)) return;
                              begun.Notify();
                              for (int i = 0; i < 1000; ++i) std::this_thread::yield();
                              ended = true;
                            }}},
                          &RealClock());
  ASSERT_TRUE(housekeeper.Start().ok());
  begun.WaitForNotification();
  housekeeper.Stop();
  EXPECT_TRUE(ended);
}

TEST(Housekeeper, TaskThatNeverEndsDelaysNoOtherHousekeeper) {
  Notification blocked;
  Notification go_on;
  Housekeeper slow("slow",
                   {{"disk", kShort,
                     [&, first = true]() mutable {
                       if (!std::exchange(first, false)) return;
                       blocked.Notify();
                       go_on.WaitForNotification();
                     }}},
                   &RealClock());
  Counter counter(10);
  Housekeeper prompt("prompt", {{"leases", kShort, [&] { counter.Run(); }}}, &RealClock());
  ASSERT_TRUE(slow.Start().ok());
  blocked.WaitForNotification();
  ASSERT_TRUE(prompt.Start().ok());
  counter.Wait();
  go_on.Notify();
}

TEST(Housekeeper, TaskThatTakesLongerThanItsPeriodLetsTheOthersRun) {
  SimulatedClock clock;
  Counter others(10);
  Housekeeper housekeeper(
      "test", {{"long", kShort, [&] { clock.Advance(10 * kShort); }}, {"other", kShort, [&] { others.Run(); }}},
      &clock);
  ASSERT_TRUE(housekeeper.Start().ok());
  clock.Advance(kShort);
  others.Wait();
}

}  // namespace
}  // namespace nmq
