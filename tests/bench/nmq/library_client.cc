#include "tests/bench/nmq/library_client.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/cpp/client.h"
#include "tests/bench/harness/pacer.h"
#include "tests/bench/nmq/library_subscribers.h"
#include "tests/bench/nmq/library_window_publisher.h"
#include "tests/bench/nmq/stamped_messages.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
// How often a pausing publisher looks whether the subscribers have caught up.
constexpr absl::Duration kPause = absl::Milliseconds(1);

absl::StatusOr<std::unique_ptr<nmq::Client>> ConnectPublisher(const std::string& address) {
  return nmq::Client::Connect({.server = address, .lazy = true, .publish_with_session = false});
}

// What became of the messages so far.
class Outcome {
 public:
  void Accepted(uint64_t messages) { accepted_.fetch_add(messages, std::memory_order_relaxed); }

  void Failed(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (verdict_.ok()) verdict_ = status;
  }

  void Add(const nmq::BatchResult& result) {
    if (result.outcome == nmq::BatchOutcome::kAccepted) {
      Accepted(result.messages);
    } else {
      Failed(result.status);
    }
  }

  uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }

  absl::Status verdict() const {
    absl::MutexLock lock(&mutex_);
    return verdict_;
  }

 private:
  std::atomic<uint64_t> accepted_{0};
  mutable absl::Mutex mutex_;
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
};

// Adds messages from a thread of its own, as fast as the library and the lag of the subscribers allow.
class LibraryPublisher final : public Publisher {
 public:
  LibraryPublisher(std::unique_ptr<nmq::Client> client, const PublisherSpec& spec)
      : spec_(spec), client_(std::move(client)) {
    publisher_ = client_->NewPublisher({.max_batch_messages = static_cast<size_t>(spec.batch),
                                        .window = static_cast<size_t>(spec.window),
                                        .on_result = [this](const nmq::BatchResult& result) { outcome_.Add(result); }});
    thread_ = std::thread([this] { Run(); });
  }

  ~LibraryPublisher() override { StopAdding(); }

  uint64_t accepted() const override { return outcome_.accepted(); }

  bool done() const override {
    return !outcome_.verdict().ok() || (spec_.max_messages != 0 && accepted() >= spec_.max_messages);
  }

  absl::Status Finish() override {
    StopAdding();
    const nmq::FlushResult flushed = publisher_->Flush(kPatience);
    return flushed.status.ok() ? outcome_.verdict() : flushed.status;
  }

 private:
  void Run() {
    StampedMessages messages(spec_);
    int64_t now = 0;
    for (uint64_t i = 0; !stopping_.load(std::memory_order_relaxed); ++i) {
      if (spec_.max_messages != 0 && i >= spec_.max_messages) return;
      if (i % static_cast<uint64_t>(spec_.batch) == 0) {
        AwaitThrottle();
        now = Now();
      }
      const absl::Status status = publisher_->Add(messages.Next(now));
      if (!status.ok()) return outcome_.Failed(status);
    }
  }

  void AwaitThrottle() {
    if (spec_.throttle == nullptr) return;
    while (!stopping_.load(std::memory_order_relaxed) && !spec_.throttle->Admit(static_cast<uint64_t>(spec_.batch))) {
      absl::SleepFor(kPause);
    }
  }

  void StopAdding() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
  }

  const PublisherSpec spec_;
  Outcome outcome_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<nmq::Client> client_;
  std::unique_ptr<nmq::Publisher> publisher_;
  std::thread thread_;
};

// Publishes at an even pace, either way.
class LibraryPacedPublisher final : public Publisher {
 public:
  LibraryPacedPublisher(std::unique_ptr<nmq::Client> client, const PaceSpec& spec)
      : spec_(spec), messages_(spec), client_(std::move(client)) {
    publisher_ = client_->NewPublisher(
        {.window = 1000, .on_result = [this](const nmq::BatchResult& result) { outcome_.Add(result); }});
    pacer_ = std::make_unique<Pacer>(spec.per_second, spec.max_messages, [this] { Send(); });
  }

  ~LibraryPacedPublisher() override { pacer_->Stop(); }

  uint64_t accepted() const override { return outcome_.accepted(); }

  bool done() const override {
    return !outcome_.verdict().ok() || (spec_.max_messages != 0 && accepted() >= spec_.max_messages);
  }

  absl::Status Finish() override {
    pacer_->Stop();
    if (spec_.way == PublishWay::kStream) {
      const nmq::FlushResult flushed = publisher_->Flush(kPatience);
      if (!flushed.status.ok()) return flushed.status;
    }
    return outcome_.verdict();
  }

 private:
  void Send() {
    const nmq::Message& message = messages_.Next(Now());
    if (spec_.way == PublishWay::kStream) {
      const absl::Status status = publisher_->Add(message);
      if (!status.ok()) outcome_.Failed(status);
      return;
    }
    const absl::StatusOr<nmq::PublishResult> result = client_->Publish(message);
    if (result.ok()) {
      outcome_.Accepted(1);
    } else {
      outcome_.Failed(result.status());
    }
  }

  const PaceSpec spec_;
  // Only for the pacer's thread.
  StampedMessages messages_;
  Outcome outcome_;
  std::unique_ptr<nmq::Client> client_;
  std::unique_ptr<nmq::Publisher> publisher_;
  std::unique_ptr<Pacer> pacer_;
};

class LibraryClient final : public Client {
 public:
  explicit LibraryClient(const std::string& address) : address_(address) {}

  absl::StatusOr<std::unique_ptr<SubscriberSet>> Subscribe(const SubscriberSpec& spec) override {
    return SubscribeWithLibrary(address_, spec);
  }

  absl::StatusOr<std::unique_ptr<Publisher>> Publish(const PublisherSpec& spec) override {
    if (spec.connections != 1) return absl::UnimplementedError("one publisher only");
    auto client = ConnectPublisher(address_);
    if (!client.ok()) return client.status();
    if (spec.way == PublishWay::kUnary) return PublishInWindow(*std::move(client), spec);
    return std::make_unique<LibraryPublisher>(*std::move(client), spec);
  }

  absl::StatusOr<std::unique_ptr<Publisher>> PublishPaced(const PaceSpec& spec) override {
    if (spec.connections != 1) return absl::UnimplementedError("one publisher only");
    auto client = ConnectPublisher(address_);
    if (!client.ok()) return client.status();
    return std::make_unique<LibraryPacedPublisher>(*std::move(client), spec);
  }

 private:
  const std::string address_;
};

}  // namespace

std::unique_ptr<Client> MakeLibraryClient(const std::string& address) {
  return std::make_unique<LibraryClient>(address);
}

}  // namespace nmq::bench
