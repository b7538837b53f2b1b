#include "server/grpc/grpc_loop.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "gmock/gmock.h"
#include "grpc/support/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "nmq/v1/message_queue.grpc.pb.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "server/queue/lane.h"
#include "tests/testing/notification.h"

namespace nmq::rpc {
namespace {

using testing::ElementsAre;

using Service = v1::MessageQueue::AsyncService;

// A server with one loop and no calls.
class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    loop_ = std::make_shared<GrpcLoop>(builder.AddCompletionQueue(), &lane_, &RealClock(), &metrics_,
                                       GrpcLoop::Memory{&memory_, &memory_});
    server_ = builder.BuildAndStart();
    loop_->Start();
  }
  ~LoopTest() override { Stop(); }

  void Stop() {
    server_->Shutdown();
    loop_->Shutdown();
    loop_->Join();
  }
  void Hold() {
    while (!loop_->HoldAsleep()) std::this_thread::yield();
  }
  // Runs `task` on the loop, and waits until that is done.
  void Run(const std::function<void()>& task) {
    Notification done;
    loop_->Post([&] {
      task();
      done.Notify();
    });
    done.WaitForNotification();
  }

  Metrics metrics_;
  MemoryBudget memory_{1 << 20};
  broker::Lane lane_{0};
  Service service_;
  std::shared_ptr<GrpcLoop> loop_;
  std::unique_ptr<grpc::Server> server_;
};

// Counts how often it comes back.
class Counter final : public Event {
 public:
  void Proceed(bool) override { ++count_; }
  int count() const { return count_; }

 private:
  int count_ = 0;
};

TEST_F(LoopTest, TasksRunOnItsThreadInTheirOrder) {
  std::vector<int> order;
  for (int i = 1; i <= 3; ++i) {
    loop_->Post([&, i] {
      EXPECT_TRUE(loop_->IsCurrent());
      order.push_back(i);
    });
  }
  Run([] {});
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_FALSE(loop_->IsCurrent());
}

TEST_F(LoopTest, TimersComeInTheOrderOfTheirTimes) {
  std::vector<int> order;
  Notification last;
  GrpcLoop::Timer first([&] { order.push_back(1); });
  GrpcLoop::Timer never([&] { order.push_back(0); });
  GrpcLoop::Timer second([&] {
    order.push_back(2);
    last.Notify();
  });
  Run([&] {
    const absl::Duration now = RealClock().Monotonic();
    loop_->SetTimer(&second, now + absl::Milliseconds(2));
    loop_->SetTimer(&first, now + absl::Milliseconds(1));
    loop_->SetTimer(&never, now);
    loop_->CancelTimer(&never);
  });
  last.WaitForNotification();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(LoopTest, IsHeldOnlyAsleep) {
  Run([&] { EXPECT_FALSE(loop_->HoldAsleep()); });
  Hold();
  loop_->Release();
}

TEST_F(LoopTest, WhoHoldsMayStillAskSomethingOfAQueueThatIsToShutDown) {
  Counter counter;
  grpc::Alarm alarm;
  Hold();
  server_->Shutdown();
  Notification closes;
  loop_->Post([&] { closes.Notify(); });
  loop_->Shutdown();
  closes.WaitForNotification();
  // The loop would have shut its queue down long ago.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  alarm.Set(loop_->queue(), gpr_time_0(GPR_CLOCK_MONOTONIC), &counter);
  loop_->Release();
  loop_->Join();
  EXPECT_EQ(counter.count(), 1);
}

TEST_F(LoopTest, IsNotHeldAfterItsEnd) {
  Stop();
  EXPECT_FALSE(loop_->HoldAsleep());
}

}  // namespace
}  // namespace nmq::rpc
