#include "server/service/services.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/simulated_clock.h"

namespace nmq {
namespace {

using ::testing::ElementsAre;

using Calls = std::vector<std::string>;

// Writes down what it is told to do.
class Recorded final : public Service {
 public:
  Recorded(std::string name, Calls* calls) : name_(std::move(name)), calls_(calls) {}

  absl::string_view name() const override { return name_; }
  absl::Status Start() override {
    calls_->push_back("start " + name_);
    return start_status;
  }
  void Drain(absl::Duration grace) override {
    calls_->push_back("drain " + name_ + " " + absl::FormatDuration(grace));
    if (on_drain != nullptr) on_drain();
  }
  size_t streams() const override {
    if (on_look != nullptr) on_look();
    return open_streams;
  }
  void Stop() override { calls_->push_back("stop " + name_); }

  absl::Status start_status;
  std::atomic<size_t> open_streams{0};
  std::function<void()> on_drain;
  std::function<void()> on_look;

 private:
  const std::string name_;
  Calls* const calls_;
};

class ServicesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    services_.Add(&first_);
    services_.Add(&second_);
  }

  SimulatedClock clock_;
  Calls calls_;
  Recorded first_{"first", &calls_};
  Recorded second_{"second", &calls_};
  Services services_{&clock_};
};

TEST_F(ServicesTest, StartInOrderAndStopInReverse) {
  ASSERT_TRUE(services_.Start().ok());
  services_.Stop(absl::Seconds(3));
  EXPECT_THAT(calls_, ElementsAre("start first", "start second", "drain first 3s", "drain second 3s", "stop second",
                                  "stop first"));
}

TEST_F(ServicesTest, OneThatCannotStartStopsThoseBeforeIt) {
  second_.start_status = absl::UnavailableError("the port is taken");
  EXPECT_EQ(services_.Start().message(), "the port is taken");
  EXPECT_THAT(calls_, ElementsAre("start first", "start second", "stop first"));
}

TEST_F(ServicesTest, AreStoppedOnlyOnce) {
  {
    Services services(&clock_);
    services.Add(&first_);
    ASSERT_TRUE(services.Start().ok());
    services.Stop(absl::ZeroDuration());
  }
  EXPECT_THAT(calls_, ElementsAre("start first", "drain first 0", "stop first"));
}

TEST_F(ServicesTest, StopWithoutAWordAtTheirEnd) {
  {
    Services services(&clock_);
    services.Add(&first_);
    ASSERT_TRUE(services.Start().ok());
  }
  EXPECT_THAT(calls_, ElementsAre("start first", "stop first"));
}

TEST_F(ServicesTest, AreStoppedAsSoonAsTheLastStreamIsGone) {
  first_.open_streams = 1;
  second_.open_streams = 1;
  second_.on_drain = [this] { second_.open_streams = 0; };
  ASSERT_TRUE(services_.Start().ok());
  first_.on_look = [this] {
    EXPECT_EQ(calls_.back(), "drain second inf");
    first_.open_streams = 0;
  };
  services_.Stop(absl::InfiniteDuration());
  EXPECT_EQ(calls_.back(), "stop first");
}

TEST_F(ServicesTest, AreStoppedWithTheirStreamsWhenTheGraceIsOver) {
  first_.open_streams = 1;
  ASSERT_TRUE(services_.Start().ok());
  size_t looks = 0;
  first_.on_look = [&] {
    ++looks;
    clock_.Advance(absl::Seconds(1));
  };
  services_.Stop(absl::Seconds(5));
  EXPECT_EQ(looks, 5u);
  EXPECT_EQ(calls_.back(), "stop first");
}

TEST_F(ServicesTest, AreStoppedAtOnceInAHurry) {
  first_.open_streams = 1;
  ASSERT_TRUE(services_.Start().ok());
  std::thread stopping([&] { services_.Stop(absl::InfiniteDuration()); });
  services_.Hurry();
  stopping.join();
  EXPECT_EQ(calls_.back(), "stop first");
}

}  // namespace
}  // namespace nmq
