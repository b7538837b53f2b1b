#include "server/rpc/intake.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/metric_family.h"
#include "server/limits/memory_budget.h"
#include "server/metrics/metrics.h"
#include "tests/testing/simulated_clock.h"

namespace nmq::rpc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kBytes = 1 << 20;

// A call that notes what it is told.
class Call final : public Intake::Receiver {
 public:
  Call(std::string name, std::vector<std::string>* log) : name_(std::move(name)), log_(log) {}

  void Receive() override { log_->push_back(name_); }
  void Refuse(const absl::Status& why) override {
    refused_ = why;
    log_->push_back(name_ + " refused");
  }
  const absl::Status& refused() const { return refused_; }

 private:
  const std::string name_;
  std::vector<std::string>* const log_;
  absl::Status refused_;
};

class IntakeTest : public testing::Test {
 protected:
  std::vector<std::string> TakeLog() { return std::exchange(log_, {}); }

  // Those that the metrics count as refused because memory is short.
  double CountedRefusals() const {
    double count = 0;
    for (const prometheus::MetricFamily& family : metrics_.Collect()) {
      if (family.name != "nmq_refused_requests_total") continue;
      for (const prometheus::ClientMetric& metric : family.metric) {
        for (const auto& label : metric.label) {
          if (label.name == "reason" && label.value == "MEMORY_SHORT") count += metric.counter.value;
        }
      }
    }
    return count;
  }

  SimulatedClock clock_;
  Metrics metrics_;
  MemoryBudget budget_{kBytes};
  int wakes_ = 0;
  Intake intake_{&budget_, &clock_, &metrics_, [this] { ++wakes_; }};
  std::vector<std::string> log_;
  Call a_{"a", &log_};
  Call b_{"b", &log_};
  Call c_{"c", &log_};
};

TEST_F(IntakeTest, CallsForWhichThereIsRoomReceiveAtOnce) {
  intake_.Want(&a_, kBytes / 2, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes / 2, Intake::Size::kGuessed);
  EXPECT_THAT(TakeLog(), ElementsAre("a", "b"));
}

TEST_F(IntakeTest, WhoReceivesMayWantMoreInsteadOfWhatItHas) {
  intake_.Want(&a_, kBytes / 2, Intake::Size::kKnown);
  intake_.Want(&b_, kBytes / 4, Intake::Size::kKnown);
  intake_.Want(&a_, kBytes * 3 / 4, Intake::Size::kKnown);
  EXPECT_THAT(TakeLog(), ElementsAre("a", "b", "a"));
  intake_.Want(&b_, kBytes / 2, Intake::Size::kKnown);
  EXPECT_THAT(TakeLog(), IsEmpty());
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
  intake_.Leave(&b_);
  EXPECT_TRUE(budget_.TryTake(kBytes));
  budget_.GiveBack(kBytes);
}

TEST_F(IntakeTest, OthersWaitUntilSoMuchIsGivenBack) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&c_, 1, Intake::Size::kGuessed);
  intake_.Received(&a_, kBytes);
  EXPECT_THAT(TakeLog(), ElementsAre("a"));
  EXPECT_EQ(wakes_, 0);
  intake_.GiveBack(kBytes);
  EXPECT_EQ(wakes_, 1);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
  intake_.Received(&b_, 10);
  EXPECT_EQ(wakes_, 2);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("c"));
}

TEST_F(IntakeTest, WhatCameCountsAndNotTheGuess) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Received(&a_, 100);
  EXPECT_EQ(budget_.taken(), 100u);
  intake_.Want(&b_, 10, Intake::Size::kGuessed);
  intake_.Received(&b_, 2 * kBytes);
  EXPECT_EQ(budget_.taken(), 100 + 2 * kBytes);
  intake_.GiveBack(100 + 2 * kBytes);
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(IntakeTest, MoreThanThereIsAtAllIsReceivedAlone) {
  intake_.Want(&a_, 10 * kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, 10 * kBytes, Intake::Size::kGuessed);
  EXPECT_THAT(TakeLog(), ElementsAre("a"));
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
}

TEST_F(IntakeTest, CallThatLeavesTheLineHoldsUpNobody) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&c_, kBytes / 4, Intake::Size::kGuessed);
  intake_.Leave(&b_);
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("a", "c"));
  EXPECT_EQ(budget_.taken(), kBytes / 4);
  intake_.Leave(&c_);
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(IntakeTest, CallThatReceivesNothingForLongLetsOthersReceive) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  intake_.Lapse();
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("a"));
  clock_.Advance(absl::Seconds(1));
  intake_.Lapse();
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
  // When it does receive something, that counts.
  intake_.Received(&a_, 100);
  EXPECT_EQ(budget_.taken(), kBytes + 100);
}

TEST_F(IntakeTest, WhileMemoryIsCriticalCallsReceiveOneAtATime) {
  intake_.Want(&a_, kBytes / 4, Intake::Size::kGuessed);
  intake_.SetCritical(true);
  intake_.Want(&b_, kBytes / 4, Intake::Size::kGuessed);
  intake_.Want(&c_, kBytes / 4, Intake::Size::kGuessed);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("a"));
  intake_.Leave(&a_);
  intake_.SetCritical(true);
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
  intake_.SetCritical(true);
  EXPECT_THAT(TakeLog(), IsEmpty());
  intake_.SetCritical(false);
  EXPECT_THAT(TakeLog(), ElementsAre("c"));
}

TEST_F(IntakeTest, WhatAnotherGaveBackWaitsWhileMemoryIsCritical) {
  intake_.Want(&a_, kBytes / 2, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes / 2, Intake::Size::kGuessed);
  intake_.Want(&c_, kBytes / 2, Intake::Size::kGuessed);
  intake_.SetCritical(true);
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("a", "b"));
  EXPECT_EQ(budget_.taken(), kBytes / 2);
  intake_.SetCritical(false);
  EXPECT_THAT(TakeLog(), ElementsAre("c"));
}

TEST_F(IntakeTest, CallsOfWhichNothingIsCountedAreRefusedFirst) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  clock_.Advance(absl::Seconds(1));
  intake_.Lapse();
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  TakeLog();
  intake_.RefuseSome(/*any=*/false);
  EXPECT_THAT(TakeLog(), ElementsAre("a refused"));
  EXPECT_EQ(a_.refused().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(a_.refused()), "MEMORY_SHORT");
  EXPECT_TRUE(a_.refused().GetPayload(kRetryInfoTypeUrl).has_value());
  EXPECT_EQ(CountedRefusals(), 1);
  intake_.Leave(&a_);
  intake_.RefuseSome(/*any=*/false);
  EXPECT_THAT(TakeLog(), IsEmpty());
  intake_.RefuseSome(/*any=*/true);
  EXPECT_THAT(TakeLog(), ElementsAre("b refused"));
  EXPECT_EQ(CountedRefusals(), 2);
  intake_.Leave(&b_);
  intake_.RefuseSome(/*any=*/true);
  EXPECT_THAT(TakeLog(), IsEmpty());
}

TEST_F(IntakeTest, RequestsOfAKnownSizeKeepTheirRoomUntilTheyAreLate) {
  intake_.Want(&a_, kBytes, Intake::Size::kKnown);
  intake_.Want(&b_, kBytes, Intake::Size::kKnown);
  clock_.Advance(absl::Seconds(4));
  intake_.Lapse();
  intake_.Continue();
  intake_.RefuseSome(/*any=*/false);
  EXPECT_THAT(TakeLog(), ElementsAre("a"));
  EXPECT_EQ(budget_.taken(), kBytes);
  clock_.Advance(absl::Seconds(1));
  intake_.Lapse();
  EXPECT_THAT(TakeLog(), ElementsAre("a refused"));
  EXPECT_EQ(ReasonOf(a_.refused()), "MEMORY_SHORT");
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), ElementsAre("b"));
}

TEST_F(IntakeTest, ClosedOneLetsNobodyInAndKeepsNothing) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  TakeLog();
  intake_.Close();
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_THAT(TakeLog(), IsEmpty());
  intake_.Leave(&b_);
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(IntakeTest, WhatAClosedOneWaitedForIsGivenBack) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  intake_.Want(&b_, kBytes, Intake::Size::kGuessed);
  intake_.Leave(&a_);
  EXPECT_EQ(wakes_, 1);
  intake_.Close();
  intake_.Continue();
  intake_.Leave(&b_);
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(IntakeTest, LineIsBounded) {
  intake_.Want(&a_, kBytes, Intake::Size::kGuessed);
  std::vector<std::unique_ptr<Call>> calls;
  while (calls.size() < 10'000 && (calls.empty() || calls.back()->refused().ok())) {
    calls.push_back(std::make_unique<Call>("x", &log_));
    intake_.Want(calls.back().get(), 1, Intake::Size::kKnown);
  }
  EXPECT_LT(calls.size(), 100u);
  EXPECT_EQ(calls.back()->refused().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CountedRefusals(), 1);
  for (const auto& call : calls) intake_.Leave(call.get());
  intake_.Leave(&a_);
  intake_.Continue();
  EXPECT_EQ(budget_.taken(), 0u);
}

TEST_F(IntakeTest, KeepsAPartOfWhatAllMayTakeAndOneRequestOfAnySize) {
  constexpr uint64_t kPart = kBytes / 64;
  EXPECT_TRUE(intake_.Keep(kBytes));
  EXPECT_FALSE(intake_.Keep(1));
  intake_.Release(kBytes);
  EXPECT_TRUE(intake_.Keep(kPart - 1));
  EXPECT_TRUE(intake_.Keep(1));
  EXPECT_FALSE(intake_.Keep(1));
  intake_.Release(1);
  EXPECT_TRUE(intake_.Keep(1));
}

}  // namespace
}  // namespace nmq::rpc
