// What waits takes no longer when the time of day is set back meanwhile.
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/deadline.h"
#include "base/grpc_deadline.h"
#include "base/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "gtest/gtest.h"
#include "tests/testing/stepped_clock.h"

namespace nmq {
namespace {

constexpr absl::Duration kTime = absl::Milliseconds(500);
constexpr absl::Duration kStep = absl::Hours(1);
constexpr absl::Duration kPatience = absl::Seconds(30);

// Whether the thread sleeps in the kernel.
bool Sleeps(pid_t thread) {
  FILE* const file = fopen(absl::StrCat("/proc/self/task/", thread, "/stat").c_str(), "r");
  if (file == nullptr) return false;
  char state = '?';
  const bool read = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
  fclose(file);
  return read && state == 'S';
}

// Sets the clock back while another thread is in `wait`, which takes kTime. Whether that returns.
testing::AssertionResult ReturnsThoughTheClockIsSetBack(std::function<void()> wait) {
  // They outlive a thread that does not return.
  struct Shared {
    std::function<void()> wait;
    std::atomic<pid_t> thread{0};
    Mutex mu;
    CondVar changed;
    bool over ABSL_GUARDED_BY(mu) = false;
  };
  const auto shared = std::make_shared<Shared>();
  shared->wait = std::move(wait);
  std::thread([shared] {
    shared->thread = static_cast<pid_t>(syscall(SYS_gettid));
    shared->wait();
    MutexLock lock(&shared->mu);
    shared->over = true;
    shared->changed.SignalAll();
  }).detach();
  while (shared->thread == 0 || !Sleeps(shared->thread)) std::this_thread::yield();
  StepClock(-kStep);
  const Deadline deadline = Deadline::In(kPatience);
  MutexLock lock(&shared->mu);
  while (!shared->over && !deadline.IsOver()) shared->changed.WaitWithTimeout(&shared->mu, deadline.Left());
  if (!shared->over) return testing::AssertionFailure() << "it still waits after " << absl::FormatDuration(kPatience);
  return testing::AssertionSuccess();
}

TEST(ClockStep, IsSeenByTheTimeOfDayAndNotByTheMonotonicClock) {
  const absl::Time before = absl::Now();
  const absl::Duration monotonic = RealClock().Monotonic();
  StepClock(-kStep);
  EXPECT_LT(absl::Now(), before - kStep / 2);
  EXPECT_GE(RealClock().Monotonic(), monotonic);
}

TEST(ClockStep, KeepsNoCondVarWaiting) {
  EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] {
    Mutex mu;
    CondVar never;
    const Deadline deadline = Deadline::In(kTime);
    MutexLock lock(&mu);
    while (!never.WaitWithTimeout(&mu, deadline.Left())) {
    }
  }));
}

TEST(ClockStep, KeepsNoneOfAbseilsWaiting) {
  EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] {
    absl::Mutex mu;
    absl::CondVar never;
    absl::MutexLock lock(&mu);
    while (!never.WaitWithTimeout(&mu, kTime)) {
    }
  }));
  EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] { absl::Notification().WaitForNotificationWithTimeout(kTime); }));
  EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] {
    absl::Mutex mu;
    absl::MutexLock lock(&mu);
    bool never = false;
    mu.AwaitWithTimeout(absl::Condition(&never), kTime);
  }));
}

TEST(ClockStep, MakesNoWaitShorterThatBeginsAfterIt) {
  absl::Now();
  for (const absl::Duration step : {-kStep, kStep}) {
    StepClock(step);
    const Deadline deadline = Deadline::In(absl::Milliseconds(50));
    EXPECT_FALSE(absl::Notification().WaitForNotificationWithTimeout(absl::Milliseconds(50)));
    EXPECT_TRUE(deadline.IsOver());
  }
}

TEST(ClockStep, KeepsNoAlarmOfGrpcWaiting) {
  const grpc::CompletionQueue started;  // so that gRPC does not start below
  EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] {
    grpc::CompletionQueue queue;
    grpc::Alarm alarm;
    alarm.Set(&queue, ToGrpc(Deadline::In(kTime)), nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
  }));
}

TEST(ClockStep, KeepsNoneWaitingThatLetsAnotherPoll) {
  // Of the threads that wait for queues of gRPC one polls, and the others wait for it.
  grpc::CompletionQueue polled;
  std::thread polling([&polled] {
    void* tag;
    bool ok;
    while (polled.Next(&tag, &ok)) {
    }
  });
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ReturnsThoughTheClockIsSetBack([] {
      grpc::CompletionQueue queue;
      void* tag;
      bool ok;
      queue.AsyncNext(&tag, &ok, ToGrpc(Deadline::In(kTime)));
    }));
  }
  polled.Shutdown();
  polling.join();
}

}  // namespace
}  // namespace nmq

int main(int argc, char** argv) {
  nmq::RunUnderSteppedClock(argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
