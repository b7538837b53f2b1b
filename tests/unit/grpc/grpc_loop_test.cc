#include "server/grpc/grpc_loop.h"

#include <thread>

#include "grpc/support/time.h"
#include "grpcpp/alarm.h"
#include "gtest/gtest.h"
#include "tests/testing/notification.h"
#include "tests/unit/grpc/one_loop_server.h"
#include "tests/unit/rpc/loop_facts.h"

namespace nmq::rpc {
namespace {

class GrpcLoopTest : public RunningLoop {
 protected:
  GrpcLoopTest() { server_.Start(); }

  GrpcLoop& loop() override { return *server_.loop(); }
  void Stop() override { server_.Stop(); }
  void Hold() {
    while (!loop().HoldAsleep()) std::this_thread::yield();
  }

  OneLoopServer server_;
};

// Counts how often it comes back.
class Counter final : public Event {
 public:
  void Proceed(bool) override { ++count_; }
  int count() const { return count_; }

 private:
  int count_ = 0;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Grpc, LoopFacts, GrpcLoopTest);

TEST_F(GrpcLoopTest, IsHeldOnlyAsleep) {
  Run([&] { EXPECT_FALSE(loop().HoldAsleep()); });
  Hold();
  loop().Release();
}

TEST_F(GrpcLoopTest, WhoHoldsMayStillAskSomethingOfAQueueThatIsToShutDown) {
  Counter counter;
  grpc::Alarm alarm;
  Hold();
  server_.Shutdown();
  Notification closes;
  loop().Post([&] { closes.Notify(); });
  loop().Shutdown();
  closes.WaitForNotification();
  // The loop would have shut its queue down long ago.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  alarm.Set(loop().queue(), gpr_time_0(GPR_CLOCK_MONOTONIC), &counter);
  loop().Release();
  loop().Join();
  EXPECT_EQ(counter.count(), 1);
}

TEST_F(GrpcLoopTest, IsNotHeldAfterItsEnd) {
  Stop();
  EXPECT_FALSE(loop().HoldAsleep());
}

}  // namespace
}  // namespace nmq::rpc
