#include "tests/bench/peers/storing_publisher.h"

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/peers/outcome.h"

namespace nmq::bench {
namespace {

// How often a publisher that is ahead looks whether it may go on.
constexpr absl::Duration kPause = absl::Milliseconds(1);

class StoringPublisher final : public Publisher {
 public:
  explicit StoringPublisher(const PublisherSpec& spec) : spec_(spec) {}
  ~StoringPublisher() override { End(); }

  absl::Status Start(const StoreLinkOpener& open) {
    absl::StatusOr<std::unique_ptr<StoreLink>> link =
        open(spec_, [this](const absl::Status& status, int64_t sent) { Answered(status, sent); });
    if (!link.ok()) return link.status();
    link_ = *std::move(link);
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  uint64_t accepted() const override { return outcome_.accepted(); }
  bool done() const override { return done_.load(); }
  void RecordAnswers() override { record_from_.store(Now()); }

  absl::Status Finish() override {
    End();
    return outcome_.verdict();
  }

  Histogram answers() const override {
    absl::MutexLock lock(&mutex_);
    return answers_;
  }

 private:
  void Run() {
    std::string payload = MakePayload({}, spec_.payload_bytes);
    for (uint64_t number = 0; spec_.max_messages == 0 || number < spec_.max_messages; ++number) {
      if (!AwaitAdmission() || outcome_.failed()) break;
      const int64_t now = Now();
      WriteStamp({.time = now, .number = number}, payload.data());
      if (!outcome_.Add(link_->Store(payload, now))) break;
    }
    if (!outcome_.failed()) outcome_.Add(link_->Complete());
    done_.store(true);
  }

  // False if it is to stop instead.
  bool AwaitAdmission() {
    while (!stopping_.load(std::memory_order_relaxed)) {
      if (spec_.throttle == nullptr || spec_.throttle->Admit(1)) return true;
      absl::SleepFor(kPause);
    }
    return false;
  }

  void Answered(const absl::Status& status, int64_t sent) {
    if (!status.ok()) {
      outcome_.Add(status);
      return;
    }
    if (sent >= record_from_.load(std::memory_order_relaxed)) {
      absl::MutexLock lock(&mutex_);
      answers_.Add(Now() - sent);
    }
    outcome_.Add(absl::StatusOr<uint64_t>(1));
  }

  void End() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
  }

  const PublisherSpec spec_;
  Outcome outcome_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> done_{false};
  std::atomic<int64_t> record_from_{INT64_MAX};
  mutable absl::Mutex mutex_;
  Histogram answers_ ABSL_GUARDED_BY(mutex_);
  // Goes before what its answers touch.
  std::unique_ptr<StoreLink> link_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> StartStoringPublisher(const PublisherSpec& spec,
                                                                 const StoreLinkOpener& open) {
  if (spec.connections != 1 || spec.destinations.size() != 1) {
    return absl::UnimplementedError("one publisher and destination only");
  }
  auto publisher = std::make_unique<StoringPublisher>(spec);
  if (absl::Status status = publisher->Start(open); !status.ok()) return status;
  return publisher;
}

}  // namespace nmq::bench
