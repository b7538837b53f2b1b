#include "tests/bench/nmq/raw_client.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/nmq/bare_subscribers.h"
#include "tests/bench/nmq/eager_publisher.h"
#include "tests/bench/nmq/group_consumers.h"
#include "tests/bench/nmq/paced_publisher.h"
#include "tests/bench/nmq/raw_subscribers.h"

namespace nmq::bench {
namespace {

// How often is looked whether everything has been read, and how long nothing may come.
constexpr absl::Duration kLook = absl::Milliseconds(1);
constexpr absl::Duration kPatience = absl::Seconds(20);

bool HasPatterns(const Interest& interest) {
  return std::any_of(interest.events.begin(), interest.events.end(),
                     [](const std::string& event) { return absl::StrContains(event, '*'); });
}

class RawClient final : public Client {
 public:
  RawClient(const Endpoint& endpoint, Reading reading) : endpoint_(endpoint), reading_(reading) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    if (!endpoint_.patterns && spec.interest != nullptr && HasPatterns(spec.interest(0))) {
      return absl::UnimplementedError("it knows no patterns");
    }
    // One that does not read needs no cheaper way to do it.
    const bool bare = reading_ == Reading::kBare && !spec.stalled;
    return bare ? SubscribeBare(endpoint_, spec) : SubscribeRaw(endpoint_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    return PublishRaw(endpoint_, spec);
  }
  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    return PublishRawPaced(endpoint_, spec);
  }
  absl::StatusOr<Consumption> Consume(const ConsumerSpec& spec) override { return ConsumeInGroup(endpoint_, spec); }

  absl::StatusOr<Consumption> ReadHistory(const HistorySpec& spec) override {
    const int64_t start = Now();
    const SubscriberSpec reader = {.queue = spec.queue, .from_earliest = true};
    const absl::StatusOr<std::unique_ptr<SubscriberSet>> set = SubscribeRaw(endpoint_, reader);
    if (!set.ok()) return set.status();
    uint64_t read = 0;
    for (int64_t moved = start; read < spec.messages; absl::SleepFor(kLook)) {
      if (absl::Status health = (*set)->Health(); !health.ok()) return health;
      const uint64_t now_read = (*set)->Slowest();
      if (now_read > read) {
        read = now_read;
        moved = Now();
      } else if (Now() - moved > absl::ToInt64Nanoseconds(kPatience)) {
        break;
      }
    }
    const absl::Duration time = absl::Nanoseconds(Now() - start);
    (*set)->Stop();
    const ReceiveTotals totals = (*set)->Totals();
    return Consumption{time, totals.messages, totals.disorder + totals.missing};
  }

 private:
  const Endpoint endpoint_;
  const Reading reading_;
};

}  // namespace

std::unique_ptr<Client> MakeRawClient(const Endpoint& endpoint, Reading reading) {
  return std::make_unique<RawClient>(endpoint, reading);
}

}  // namespace nmq::bench
