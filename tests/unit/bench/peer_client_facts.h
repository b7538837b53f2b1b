#ifndef NMQ_TESTS_UNIT_BENCH_PEER_CLIENT_FACTS_H_
#define NMQ_TESTS_UNIT_BENCH_PEER_CLIENT_FACTS_H_

// What holds for the client of every other system. Include it once, and instantiate PeerClient with the system.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/client.h"
#include "tests/bench/harness/system.h"
#include "tests/bench/harness/throttle.h"

namespace nmq::bench {

using SystemFactory = System (*)(const std::string& log);

class PeerClient : public testing::TestWithParam<SystemFactory> {
 protected:
  void SetUp() override {
    auto system = GetParam()(testing::TempDir() + "/server.log").start();
    ASSERT_TRUE(system.ok()) << system.status();
    system_ = *std::move(system);
  }

  void TearDown() override { system_.client.reset(); }

  // Hears everything in the queue "q".
  static SubscriberSpec Everything(int subscribers = 1) {
    SubscriberSpec spec;
    spec.queue = "q";
    spec.subscribers = subscribers;
    return spec;
  }

  static SubscriberSpec Stalled(int subscribers) {
    SubscriberSpec spec = Everything(subscribers);
    spec.stalled = true;
    return spec;
  }

  std::unique_ptr<SubscriberSet> Subscribe(const SubscriberSpec& spec) {
    auto set = system_.client->Subscribe(spec);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *std::move(set) : nullptr;
  }

  std::unique_ptr<SubscriberSet> SubscribeWith(const Interest& interest, int subscribers = 1) {
    SubscriberSpec spec = Everything(subscribers);
    spec.interest = [interest](int) { return interest; };
    return Subscribe(spec);
  }

  std::unique_ptr<Publisher> Publish(const PublisherSpec& spec) {
    auto publisher = system_.client->Publish(spec);
    EXPECT_TRUE(publisher.ok()) << publisher.status();
    return publisher.ok() ? *std::move(publisher) : nullptr;
  }

  // Waits until it is true; false if that takes too long.
  static bool Eventually(const std::function<bool()>& is_true) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!is_true()) {
      if (absl::Now() > deadline) return false;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return true;
  }

  // Waits until the set has heard that many messages, and expects no others, all in order.
  static void ExpectHeard(const SubscriberSet& set, uint64_t messages) {
    EXPECT_TRUE(Eventually([&] { return set.Totals().messages >= messages; }));
    const ReceiveTotals totals = set.Totals();
    EXPECT_EQ(totals.messages, messages);
    EXPECT_EQ(totals.disorder, 0u);
    EXPECT_EQ(totals.missing, 0u);
    EXPECT_TRUE(set.Health().ok()) << set.Health();
  }

  RunningSystem system_;
};

TEST_P(PeerClient, EverySubscriberHearsEverythingInOrder) {
  SubscriberSpec spec = Everything(10);
  spec.connections = 3;
  spec.threads = 2;
  const auto set = Subscribe(spec);
  ASSERT_NE(set, nullptr);
  const auto publisher = Publish({.queue = "q", .connections = 2, .max_messages = 2000});
  ASSERT_NE(publisher, nullptr);
  ASSERT_TRUE(Eventually([&] { return publisher->done(); }));
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_EQ(publisher->accepted(), 2000u);
  ExpectHeard(*set, 20000);
  EXPECT_EQ(set->Slowest(), 2000u);
  set->Stop();
  EXPECT_EQ(set->Totals().messages, 20000u);
}

TEST_P(PeerClient, OtherQueueIsNotHeard) {
  const auto set = Subscribe(Everything());
  SubscriberSpec elsewhere = Everything();
  elsewhere.queue = "other";
  const auto other = Subscribe(elsewhere);
  ASSERT_TRUE(set != nullptr && other != nullptr);
  const auto publisher = Publish({.queue = "other", .max_messages = 200});
  ASSERT_NE(publisher, nullptr);
  ExpectHeard(*other, 200);
  EXPECT_EQ(set->Totals().messages, 0u);
}

TEST_P(PeerClient, RoomHearsWhatIsForIt) {
  const auto first = SubscribeWith({{}, {"r0"}}, 2);
  const auto both = SubscribeWith({{}, {"r0", "r1"}});
  ASSERT_TRUE(first != nullptr && both != nullptr);
  const auto publisher = Publish({.queue = "q",
                                  .destinations = {{"tick", "r0"}, {"tick", "r1"}, {"tick", "r2"}},
                                  .batch = 30,
                                  .max_messages = 300});
  ASSERT_NE(publisher, nullptr);
  ExpectHeard(*both, 200);
  ExpectHeard(*first, 200);
  EXPECT_EQ(first->Slowest(), 100u);
}

TEST_P(PeerClient, EventAndPatternHearWhatMatches) {
  const auto exact = SubscribeWith({{"a.b"}, {}});
  const auto pattern = SubscribeWith({{"a.*"}, {}});
  const auto all = SubscribeWith({});
  ASSERT_TRUE(exact != nullptr && pattern != nullptr && all != nullptr);
  const auto publisher = Publish(
      {.queue = "q", .destinations = {{"a.b", ""}, {"a.c", ""}, {"c", ""}, {}}, .batch = 40, .max_messages = 400});
  ASSERT_NE(publisher, nullptr);
  ExpectHeard(*pattern, 200);
  ExpectHeard(*exact, 100);
  ExpectHeard(*all, 100);
}

TEST_P(PeerClient, SubscriberOfSeveralEventsHearsEachOfThem) {
  const auto several = SubscribeWith({{"a", "b", "c"}, {}}, 2);
  ASSERT_NE(several, nullptr);
  const auto publisher = Publish(
      {.queue = "q", .destinations = {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}, .batch = 40, .max_messages = 400});
  ASSERT_NE(publisher, nullptr);
  ExpectHeard(*several, 600);
  EXPECT_EQ(several->Slowest(), 300u);
}

TEST_P(PeerClient, PacedMessagesAreHeardAndTimed) {
  SubscriberSpec listeners = Everything(3);
  listeners.every_latency = true;
  const auto set = Subscribe(listeners);
  ASSERT_NE(set, nullptr);
  const int64_t start = Now();
  set->RecordLatency(start);
  const PaceSpec spec = {.queue = "q", .connections = 2, .per_second = 2000, .max_messages = 200};
  const auto publisher = system_.client->PublishPaced(spec);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  ASSERT_TRUE(Eventually([&] { return (*publisher)->done(); }));
  EXPECT_GE(Now() - start, 199 * 500'000);
  EXPECT_TRUE((*publisher)->Finish().ok());
  EXPECT_EQ((*publisher)->accepted(), 200u);
  ExpectHeard(*set, 600);
  const Histogram latency = set->Stop();
  EXPECT_EQ(latency.count(), 600u);
  EXPECT_GT(latency.max(), 0);
  EXPECT_LT(latency.max(), Now() - start);
}

TEST_P(PeerClient, PacedMessagesCanWaitForTheirAnswers) {
  const auto set = Subscribe(Everything());
  ASSERT_NE(set, nullptr);
  const PaceSpec spec = {.queue = "q", .way = PublishWay::kUnary, .max_messages = 100};
  const auto publisher = system_.client->PublishPaced(spec);
  ASSERT_TRUE(publisher.ok()) << publisher.status();
  (*publisher)->RecordAnswers();
  ASSERT_TRUE(Eventually([&] { return (*publisher)->done(); }));
  EXPECT_TRUE((*publisher)->Finish().ok());
  EXPECT_GT((*publisher)->answers().count(), 0u);
  ExpectHeard(*set, 100);
}

TEST_P(PeerClient, UnaryMessagesAreAnsweredOneByOne) {
  const auto set = Subscribe(Everything(2));
  ASSERT_NE(set, nullptr);
  const auto publisher =
      Publish({.queue = "q", .way = PublishWay::kUnary, .batch = 1, .window = 4, .max_messages = 500});
  ASSERT_NE(publisher, nullptr);
  publisher->RecordAnswers();
  ASSERT_TRUE(Eventually([&] { return publisher->done(); }));
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_EQ(publisher->accepted(), 500u);
  EXPECT_GT(publisher->answers().count(), 0u);
  EXPECT_LE(publisher->answers().count(), 500u);
  ExpectHeard(*set, 1000);
}

TEST_P(PeerClient, ThrottleHoldsPublishersBack) {
  Throttle throttle(300, [] { return 0; });
  const auto publisher = Publish({.queue = "q", .throttle = &throttle});
  ASSERT_NE(publisher, nullptr);
  EXPECT_TRUE(Eventually([&] { return !throttle.Admit(0); }));
  EXPECT_FALSE(publisher->done());
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_EQ(publisher->accepted(), 300u);
}

TEST_P(PeerClient, StalledSubscriberStopsNobodyElse) {
  const auto stalled = Subscribe(Stalled(2));
  const auto set = Subscribe(Everything());
  ASSERT_TRUE(stalled != nullptr && set != nullptr);
  Throttle throttle(1000, [&] { return set->Slowest(); });
  const auto publisher =
      Publish({.queue = "q", .payload_bytes = 10000, .batch = 50, .max_messages = 2000, .throttle = &throttle});
  ASSERT_NE(publisher, nullptr);
  ExpectHeard(*set, 2000);
  EXPECT_EQ(stalled->Totals().messages, 0u);
  stalled->Stop();
}

TEST_P(PeerClient, ServerEndsAsItShould) {
  ASSERT_NE(Subscribe(Everything()), nullptr);
  system_.client.reset();
  const absl::Status status = system_.server->Stop();
  EXPECT_TRUE(status.ok()) << status;
}

TEST_P(PeerClient, ServerThatGoesIsAnError) {
  const auto set = Subscribe(Everything());
  ASSERT_NE(set, nullptr);
  const auto publisher = Publish({.queue = "q"});
  ASSERT_NE(publisher, nullptr);
  ASSERT_TRUE(Eventually([&] { return set->Totals().messages > 0; }));
  EXPECT_TRUE(set->Health().ok()) << set->Health();
  system_.server.reset();
  EXPECT_TRUE(Eventually([&] { return !set->Health().ok() && publisher->done(); }));
  EXPECT_FALSE(publisher->Finish().ok());
}

TEST_P(PeerClient, ServerThatIsNotThereIsAnError) {
  system_.server.reset();
  EXPECT_FALSE(system_.client->Subscribe(Everything()).ok());
  EXPECT_FALSE(system_.client->Subscribe(Stalled(1)).ok());
  EXPECT_FALSE(system_.client->Publish({.queue = "q"}).ok());
  EXPECT_FALSE(system_.client->PublishPaced({.queue = "q"}).ok());
}

}  // namespace nmq::bench

#endif  // NMQ_TESTS_UNIT_BENCH_PEER_CLIENT_FACTS_H_
