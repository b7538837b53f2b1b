#include "tests/bench/peers/storing_publisher.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/payload.h"

namespace nmq::bench {
namespace {

// What a server would hold.
struct Stored {
  std::vector<uint64_t> numbers = {};
  uint64_t completions = 0;
  // After so many messages, storing fails, or a message is refused.
  uint64_t fails_after = UINT64_MAX;
  uint64_t refuses_after = UINT64_MAX;
};

class FakeLink final : public StoreLink {
 public:
  FakeLink(Stored* stored, OnStored on_stored) : stored_(stored), on_stored_(std::move(on_stored)) {}

  absl::Status Store(absl::string_view payload, int64_t now) override {
    if (stored_->numbers.size() >= stored_->fails_after) return absl::UnavailableError("gone");
    Stamp stamp;
    if (!ReadStamp(payload, &stamp) || stamp.time != now) return absl::InternalError("no stamp");
    const bool refuse = stored_->numbers.size() >= stored_->refuses_after;
    stored_->numbers.push_back(stamp.number);
    on_stored_(refuse ? absl::NotFoundError("no stream") : absl::OkStatus(), now);
    return absl::OkStatus();
  }

  absl::Status Complete() override {
    ++stored_->completions;
    return absl::OkStatus();
  }

 private:
  Stored* const stored_;
  const OnStored on_stored_;
};

std::unique_ptr<Publisher> Start(const PublisherSpec& spec, Stored* stored) {
  auto publisher = StartStoringPublisher(
      spec, [stored](const PublisherSpec&, OnStored on_stored) -> absl::StatusOr<std::unique_ptr<StoreLink>> {
        return std::make_unique<FakeLink>(stored, std::move(on_stored));
      });
  EXPECT_TRUE(publisher.ok()) << publisher.status();
  return publisher.ok() ? *std::move(publisher) : nullptr;
}

void AwaitDone(const Publisher& publisher) {
  while (!publisher.done()) absl::SleepFor(absl::Milliseconds(1));
}

TEST(StoringPublisher, StoresExactlyWhatIsAsked) {
  Stored stored;
  const auto publisher = Start({.queue = "q", .max_messages = 250}, &stored);
  AwaitDone(*publisher);
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_EQ(publisher->accepted(), 250u);
  ASSERT_EQ(stored.numbers.size(), 250u);
  for (uint64_t i = 0; i < 250; ++i) EXPECT_EQ(stored.numbers[i], i);
  EXPECT_EQ(stored.completions, 1u);
}

TEST(StoringPublisher, AnswersAreTimedFromTheCallOn) {
  Stored stored;
  const auto publisher = Start({.queue = "q"}, &stored);
  publisher->RecordAnswers();
  const uint64_t before = publisher->accepted();
  while (publisher->accepted() < before + 100) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_GT(publisher->answers().count(), 0u);
  EXPECT_LE(publisher->answers().count(), publisher->accepted());
}

TEST(StoringPublisher, LinkThatFailsIsAnError) {
  Stored stored = {.fails_after = 3};
  const auto publisher = Start({.queue = "q", .max_messages = 10}, &stored);
  AwaitDone(*publisher);
  EXPECT_EQ(publisher->Finish(), absl::UnavailableError("gone"));
  EXPECT_EQ(publisher->accepted(), 3u);
}

TEST(StoringPublisher, RefusedMessageIsAnError) {
  Stored stored = {.refuses_after = 3};
  const auto publisher = Start({.queue = "q", .max_messages = 10}, &stored);
  AwaitDone(*publisher);
  EXPECT_EQ(publisher->Finish(), absl::NotFoundError("no stream"));
  EXPECT_EQ(publisher->accepted(), 3u);
}

TEST(StoringPublisher, ThrottleHoldsItBack) {
  Stored stored;
  Throttle throttle(20, [] { return 0; });
  const auto publisher = Start({.queue = "q", .throttle = &throttle}, &stored);
  while (publisher->accepted() < 20) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_FALSE(publisher->done());
  EXPECT_TRUE(publisher->Finish().ok());
  EXPECT_EQ(stored.numbers.size(), 20u);
}

TEST(StoringPublisher, SeveralConnectionsAreUnimplemented) {
  const auto never = [](const PublisherSpec&, OnStored) -> absl::StatusOr<std::unique_ptr<StoreLink>> {
    return absl::InternalError("opened");
  };
  EXPECT_TRUE(absl::IsUnimplemented(StartStoringPublisher({.queue = "q", .connections = 2}, never).status()));
}

}  // namespace
}  // namespace nmq::bench
