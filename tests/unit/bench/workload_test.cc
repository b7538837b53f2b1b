#include "tests/bench/workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace nmq::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two subscribers that together heard what they are told, before anybody looks.
class FakeSubscribers final : public SubscriberSet {
 public:
  FakeSubscribers(const ReceiveTotals& totals, uint64_t slowest) : totals_(totals), slowest_(slowest) {}

  ReceiveTotals Totals() const override { return std::exchange(early_, false) ? ReceiveTotals() : totals_; }
  uint64_t Slowest() const override { return slowest_; }
  absl::Status Health() const override { return health; }
  absl::Duration heartbeat() const override { return absl::Seconds(1); }
  void RecordLatency(int64_t, int64_t) override {}
  Histogram Stop() override {
    Histogram latency;
    latency.Add(2000000);
    return latency;
  }

  absl::Status health;

 private:
  const ReceiveTotals totals_;
  const uint64_t slowest_;
  // The first look is before the measurement.
  mutable bool early_ = true;
};

class FakePublisher final : public Publisher {
 public:
  explicit FakePublisher(uint64_t accepted, absl::Status verdict = absl::OkStatus())
      : accepted_(accepted), verdict_(std::move(verdict)) {}

  uint64_t accepted() const override { return accepted_; }
  bool done() const override { return true; }
  absl::Status Finish() override { return verdict_; }

 private:
  const uint64_t accepted_;
  const absl::Status verdict_;
};

constexpr Options kOptions = {.messages = 10, .patience = absl::Milliseconds(1)};

absl::Status MeasureTwo(SubscriberSet* set, Publisher* publisher, Report* report) {
  return Measure(kOptions, Target(), "W", 2, set, publisher, report);
}

TEST(Workload, AllHeardIsGood) {
  FakeSubscribers set({.messages = 20}, 10);
  FakePublisher publisher(10);
  Report report;
  const absl::Status status = MeasureTwo(&set, &publisher, &report);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(report.Values("W", "heard"), ElementsAre(20));
  EXPECT_THAT(report.Values("W", "latency p50"), ElementsAre(2));
}

TEST(Workload, ServerThatIsNotKnownHasNoFigures) {
  FakeSubscribers set({.messages = 20}, 10);
  FakePublisher publisher(10);
  Report report;
  EXPECT_TRUE(MeasureTwo(&set, &publisher, &report).ok());
  EXPECT_THAT(report.Values("W", "server memory"), IsEmpty());
  EXPECT_THAT(report.Values("W", "server CPU"), IsEmpty());
}

TEST(Workload, MessagesThatGapsToldOfAreReported) {
  FakeSubscribers set({.messages = 15, .missing = 5, .gaps = 1}, 10);
  FakePublisher publisher(10);
  Report report;
  const absl::Status status = MeasureTwo(&set, &publisher, &report);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(report.Values("W", "missed, as gaps told"), ElementsAre(5));
}

TEST(Workload, MessageLostWithoutAGapIsDataLoss) {
  FakeSubscribers set({.messages = 19}, 9);
  FakePublisher publisher(10);
  Report report;
  const absl::Status status = MeasureTwo(&set, &publisher, &report);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("20 deliveries were due, 19 came"));
}

TEST(Workload, MessageHeardTwiceIsDataLoss) {
  FakeSubscribers set({.messages = 21}, 10);
  FakePublisher publisher(10);
  Report report;
  EXPECT_EQ(MeasureTwo(&set, &publisher, &report).code(), absl::StatusCode::kDataLoss);
}

TEST(Workload, MessageOutOfTurnIsDataLoss) {
  FakeSubscribers set({.messages = 20, .disorder = 1}, 10);
  FakePublisher publisher(10);
  Report report;
  EXPECT_EQ(MeasureTwo(&set, &publisher, &report).code(), absl::StatusCode::kDataLoss);
}

TEST(Workload, StreamThatEndedIsAnError) {
  FakeSubscribers set({.messages = 20}, 10);
  set.health = absl::UnavailableError("gone");
  FakePublisher publisher(10);
  Report report;
  EXPECT_EQ(MeasureTwo(&set, &publisher, &report), set.health);
}

TEST(Workload, RefusedBatchIsAnError) {
  FakeSubscribers set({.messages = 20}, 10);
  FakePublisher publisher(10, absl::NotFoundError("no such queue"));
  Report report;
  EXPECT_EQ(MeasureTwo(&set, &publisher, &report), absl::NotFoundError("no such queue"));
}

}  // namespace
}  // namespace nmq::bench
