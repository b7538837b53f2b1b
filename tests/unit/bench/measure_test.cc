#include "tests/bench/workloads/measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

namespace nmq::bench {
namespace {

using ::testing::HasSubstr;

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

// Hands out what the test has prepared.
class FakeClient final : public Client {
 public:
  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec&) override {
    return absl::UnimplementedError("the test has its own");
  }
  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    spec_ = spec;
    return std::exchange(publisher, nullptr);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec&) override {
    return absl::UnimplementedError("too fast");
  }

  const PublisherSpec& spec() const { return spec_; }

  std::unique_ptr<Publisher> publisher;

 private:
  PublisherSpec spec_;
};

constexpr Extent kExtent = {.messages = 10, .patience = absl::Milliseconds(1)};

// Ten messages to two subscribers.
Load ToTwo() { return {.eager = PublisherSpec{}, .fan_out = 2, .lag = 5}; }

absl::StatusOr<Sample> MeasureTwo(SubscriberSet* set, absl::Status verdict = absl::OkStatus()) {
  FakeClient client;
  client.publisher = std::make_unique<FakePublisher>(10, std::move(verdict));
  return Measure(kExtent, {.client = &client, .server = getpid()}, ToTwo(), set);
}

TEST(Measure, AllHeardIsGood) {
  FakeSubscribers set({.messages = 20}, 10);
  const absl::StatusOr<Sample> sample = MeasureTwo(&set);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->deliveries, 20u);
  EXPECT_EQ(sample->published, 10u);
  EXPECT_EQ(sample->latency.count(), 1u);
  EXPECT_GT(sample->usage.resident, 0);
}

TEST(Measure, ServerThatIsNotThereIsAnError) {
  FakeSubscribers set({.messages = 20}, 10);
  FakeClient client;
  client.publisher = std::make_unique<FakePublisher>(10);
  EXPECT_EQ(Measure(kExtent, {.client = &client, .server = 0}, ToTwo(), &set).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Measure, MessagesThatTheServerSaidWereLostAreCounted) {
  FakeSubscribers set({.messages = 15, .missing = 5, .gaps = 1}, 10);
  const absl::StatusOr<Sample> sample = MeasureTwo(&set);
  ASSERT_TRUE(sample.ok()) << sample.status();
  EXPECT_EQ(sample->missing, 5u);
}

TEST(Measure, MessageLostUnsaidIsDataLoss) {
  FakeSubscribers set({.messages = 19}, 9);
  const absl::Status status = MeasureTwo(&set).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("20 deliveries were due, 19 came"));
}

TEST(Measure, MessageHeardTwiceIsDataLoss) {
  FakeSubscribers set({.messages = 21}, 10);
  EXPECT_EQ(MeasureTwo(&set).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Measure, MessageOutOfTurnIsDataLoss) {
  FakeSubscribers set({.messages = 20, .disorder = 1}, 10);
  EXPECT_EQ(MeasureTwo(&set).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Measure, SubscriptionThatEndedIsAnError) {
  FakeSubscribers set({.messages = 20}, 10);
  set.health = absl::UnavailableError("gone");
  EXPECT_EQ(MeasureTwo(&set).status(), set.health);
}

TEST(Measure, RefusedBatchIsAnError) {
  FakeSubscribers set({.messages = 20}, 10);
  EXPECT_EQ(MeasureTwo(&set, absl::NotFoundError("no such queue")).status(), absl::NotFoundError("no such queue"));
}

TEST(Measure, WhatASystemCannotDoIsUnimplemented) {
  FakeSubscribers set({.messages = 20}, 10);
  FakeClient client;
  const Load load = {.paced = PaceSpec{}, .fan_out = 2};
  EXPECT_EQ(Measure(kExtent, {.client = &client, .server = getpid()}, load, &set).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(Measure, LagOfZeroHoldsNobodyBack) {
  FakeSubscribers set({}, 0);
  FakeClient client;
  client.publisher = std::make_unique<FakePublisher>(10);
  const Load load = {.eager = PublisherSpec{}, .fan_out = 0};
  ASSERT_TRUE(Measure(kExtent, {.client = &client, .server = getpid()}, load, &set).ok());
  EXPECT_EQ(client.spec().throttle, nullptr);
  EXPECT_EQ(client.spec().max_messages, 10u);
}

}  // namespace
}  // namespace nmq::bench
