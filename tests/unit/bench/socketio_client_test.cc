#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/socketio/socketio_system.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
// The tests' runfiles; Node.js finds its packages by where they link to.
constexpr char kScripts[] = "tests/bench/socketio";

bool Await(const std::function<bool()>& over) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!over()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return true;
}

class SocketIoClient : public testing::Test {
 protected:
  void SetUp() override {
    const std::string log = absl::StrCat(testing::TempDir(), "/socketio.log");
    absl::StatusOr<RunningSystem> running = SocketIoSystem({.scripts = kScripts}, log).start();
    ASSERT_TRUE(running.ok()) << running.status();
    running_ = *std::move(running);
  }

  std::unique_ptr<SubscriberSet> Subscribe(const SubscriberSpec& spec) {
    auto set = running_.client->Subscribe(spec);
    EXPECT_TRUE(set.ok()) << set.status();
    return set.ok() ? *std::move(set) : nullptr;
  }

  std::unique_ptr<Publisher> Publish(const PublisherSpec& spec) {
    auto publisher = running_.client->Publish(spec);
    EXPECT_TRUE(publisher.ok()) << publisher.status();
    return publisher.ok() ? *std::move(publisher) : nullptr;
  }

  std::unique_ptr<Publisher> PublishPaced(const PaceSpec& spec) {
    auto publisher = running_.client->PublishPaced(spec);
    EXPECT_TRUE(publisher.ok()) << publisher.status();
    return publisher.ok() ? *std::move(publisher) : nullptr;
  }

  RunningSystem running_;
};

// Waits for the publisher's end, and that the subscribers have heard so many messages in all, in order.
void ExpectHeard(Publisher* publisher, uint64_t accepted, SubscriberSet* set, uint64_t heard) {
  ASSERT_NE(publisher, nullptr);
  ASSERT_NE(set, nullptr);
  EXPECT_TRUE(Await([&] { return publisher->done(); }));
  EXPECT_TRUE(publisher->Finish().ok()) << publisher->Finish();
  EXPECT_EQ(publisher->accepted(), accepted);
  EXPECT_TRUE(Await([&] { return set->Totals().messages >= heard; }));
  EXPECT_EQ(set->Totals().messages, heard);
  EXPECT_EQ(set->Totals().disorder, 0);
  EXPECT_TRUE(set->Health().ok()) << set->Health();
}

TEST_F(SocketIoClient, SubscribersHearEverythingInOrder) {
  auto set = Subscribe({.queue = "q", .subscribers = 5, .interest = nullptr, .every_latency = true});
  ASSERT_NE(set, nullptr);
  set->RecordLatency(Now());
  auto publisher = Publish({.queue = "q", .connections = 2, .max_messages = 500});
  ExpectHeard(publisher.get(), 500, set.get(), 2500);
  EXPECT_EQ(set->Slowest(), 500);
  const Histogram latency = set->Stop();
  EXPECT_EQ(latency.count(), 2500);
  EXPECT_GT(latency.Quantile(0), 0);
  EXPECT_LT(latency.max(), absl::ToInt64Nanoseconds(kPatience));
  EXPECT_EQ(set->Totals().messages, 2500);
}

TEST_F(SocketIoClient, OtherQueuesAreNotHeard) {
  auto other = Subscribe({.queue = "other", .interest = nullptr});
  auto set = Subscribe({.queue = "q", .interest = nullptr});
  auto publisher = Publish({.queue = "q", .max_messages = 10});
  ExpectHeard(publisher.get(), 10, set.get(), 10);
  EXPECT_EQ(other->Totals().messages, 0);
}

TEST_F(SocketIoClient, ThrottledPublisherGoesOnWhenSubscribersHaveHeard) {
  auto set = Subscribe({.queue = "q", .subscribers = 3, .interest = nullptr});
  Throttle throttle(100, [] { return 0; });
  auto publisher = Publish({.queue = "q", .max_messages = 1000, .throttle = &throttle});
  ExpectHeard(publisher.get(), 1000, set.get(), 3000);
}

TEST_F(SocketIoClient, EventsGoToThoseWhoAskedForThem) {
  auto set = Subscribe({.queue = "q", .subscribers = 4, .interest = [](int i) {
                          return Interest{{i == 0 ? "a" : "b"}, {}};
                        }});
  auto publisher = Publish({.queue = "q", .destinations = {{"a", ""}, {"b", ""}}, .max_messages = 20});
  ExpectHeard(publisher.get(), 20, set.get(), 10 + 3 * 10);
}

TEST_F(SocketIoClient, SubscriberOfSeveralEventsHearsEachOfThem) {
  auto set = Subscribe({.queue = "q", .subscribers = 2, .interest = [](int i) {
                          return i == 0 ? Interest{{"a", "b"}, {}} : Interest{{"b", "c"}, {}};
                        }});
  Throttle throttle(10, [] { return 0; });
  auto publisher = Publish({.queue = "q",
                            .destinations = {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}},
                            .max_messages = 400,
                            .throttle = &throttle});
  ExpectHeard(publisher.get(), 400, set.get(), 400);
  EXPECT_EQ(set->Slowest(), 200);
}

TEST_F(SocketIoClient, RoomsGoToThoseWhoAreInThem) {
  auto set = Subscribe({.queue = "q", .subscribers = 6, .interest = [](int i) {
                          return Interest{{}, {absl::StrCat("pair", i / 2), "everybody"}};
                        }});
  Throttle throttle(10, [] { return 0; });
  auto publisher = Publish({.queue = "q",
                            .destinations = {{"tick", "pair0"}, {"tick", "pair1"}, {"tick", "everybody"}, {}},
                            .max_messages = 400,
                            .throttle = &throttle});
  ExpectHeard(publisher.get(), 400, set.get(), 100 * (2 + 2 + 6 + 6));
}

TEST_F(SocketIoClient, PacedMessagesComeAtTheirPace) {
  auto set = Subscribe({.queue = "q", .subscribers = 2, .interest = nullptr});
  const int64_t start = Now();
  auto publisher = PublishPaced({.queue = "q", .connections = 2, .per_second = 1000, .max_messages = 300});
  ExpectHeard(publisher.get(), 300, set.get(), 600);
  EXPECT_GE(Now() - start, 299 * 1000000);
}

TEST_F(SocketIoClient, PacedUnaryMessagesAreAnswered) {
  auto set = Subscribe({.queue = "q", .interest = nullptr});
  auto publisher = PublishPaced({.queue = "q", .way = PublishWay::kUnary, .per_second = 1000, .max_messages = 50});
  ExpectHeard(publisher.get(), 50, set.get(), 50);
}

TEST_F(SocketIoClient, UnaryAnswersAreRecorded) {
  auto set = Subscribe({.queue = "q", .subscribers = 2, .interest = nullptr});
  auto publisher = Publish({.queue = "q", .way = PublishWay::kUnary, .connections = 2, .window = 4});
  ASSERT_NE(publisher, nullptr);
  publisher->RecordAnswers();
  EXPECT_TRUE(Await([&] { return publisher->accepted() >= 200; }));
  EXPECT_FALSE(publisher->done());
  EXPECT_TRUE(publisher->Finish().ok()) << publisher->Finish();
  EXPECT_GT(publisher->answers().count(), 0);
  EXPECT_LE(publisher->answers().count(), publisher->accepted());
  EXPECT_TRUE(Await([&] { return set->Slowest() >= publisher->accepted(); }));
  EXPECT_EQ(set->Totals().messages, 2 * publisher->accepted());
  EXPECT_EQ(set->Totals().disorder, 0);
}

TEST_F(SocketIoClient, ManyIdleSubscribersShareConnections) {
  auto set = Subscribe({.queue = "q", .subscribers = 2500, .connections = 10, .interest = nullptr});
  ASSERT_NE(set, nullptr);
  EXPECT_TRUE(set->Health().ok()) << set->Health();
  EXPECT_GT(set->heartbeat(), absl::ZeroDuration());
  EXPECT_EQ(set->Totals().messages, 0);
}

TEST_F(SocketIoClient, PatternsAreUnimplemented) {
  const auto set = running_.client->Subscribe({.queue = "q", .interest = [](int) { return Interest{{"a.*"}, {}}; }});
  EXPECT_EQ(set.status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(SocketIoClient, StalledSubscriberDoesNotStopTheOthers) {
  auto stalled = Subscribe({.queue = "q", .interest = nullptr, .stalled = true});
  auto set = Subscribe({.queue = "q", .subscribers = 2, .interest = nullptr});
  // More than what the kernel keeps for a connection.
  auto publisher = Publish({.queue = "q", .payload_bytes = 64 << 10, .max_messages = 500});
  ExpectHeard(publisher.get(), 500, set.get(), 1000);
  EXPECT_LT(stalled->Totals().messages, 500);
  EXPECT_TRUE(stalled->Health().ok()) << stalled->Health();
}

TEST_F(SocketIoClient, KilledServerIsAnError) {
  auto set = Subscribe({.queue = "q", .interest = nullptr});
  auto publisher = Publish({.queue = "q"});
  auto unary = Publish({.queue = "q", .way = PublishWay::kUnary});
  EXPECT_TRUE(Await([&] { return set->Slowest() > 0; }));
  running_.server.reset();
  EXPECT_TRUE(Await([&] { return !set->Health().ok(); }));
  EXPECT_TRUE(Await([&] { return publisher->done() && unary->done(); }));
  EXPECT_FALSE(publisher->Finish().ok());
  EXPECT_FALSE(unary->Finish().ok());
  EXPECT_EQ(running_.client->Subscribe({.queue = "q", .interest = nullptr}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(SocketIoClient, KilledProcessOfTheClientsIsAnError) {
  auto set = Subscribe({.queue = "q", .interest = nullptr});
  auto publisher = Publish({.queue = "q"});
  kill(running_.client->process(), SIGKILL);
  EXPECT_TRUE(Await([&] { return !set->Health().ok() && publisher->done(); }));
  EXPECT_EQ(publisher->Finish().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(set->Stop().count(), 0);
  EXPECT_EQ(running_.client->Publish({.queue = "q"}).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SocketIoClient, ServerEndsWhenItIsTold) {
  auto set = Subscribe({.queue = "q", .subscribers = 2, .interest = nullptr});
  EXPECT_TRUE(running_.server->Stop().ok());
}

TEST(SocketIoSystem, MissingScriptsAreAnError) {
  const auto running = SocketIoSystem({.scripts = "nothing"}, "/dev/null").start();
  EXPECT_EQ(running.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace nmq::bench
