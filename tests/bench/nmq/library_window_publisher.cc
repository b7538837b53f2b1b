#include "tests/bench/nmq/library_window_publisher.h"

#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tests/bench/nmq/stamped_messages.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class WindowPublisher final : public Publisher {
 public:
  WindowPublisher(std::unique_ptr<nmq::Client> client, const PublisherSpec& spec)
      : spec_(spec), client_(std::move(client)) {
    publisher_ = client_->NewPublisher({.on_result = [this](const nmq::BatchResult& result) { Answered(result); }});
    thread_ = std::thread([this] { Run(); });
  }

  ~WindowPublisher() override { StopAdding(); }

  uint64_t accepted() const override {
    absl::MutexLock lock(&mutex_);
    return accepted_;
  }

  bool done() const override {
    absl::MutexLock lock(&mutex_);
    return !verdict_.ok() || (spec_.max_messages != 0 && accepted_ >= spec_.max_messages);
  }

  void RecordAnswers() override {
    absl::MutexLock lock(&mutex_);
    record_from_ = Now();
  }

  absl::Status Finish() override {
    StopAdding();
    const nmq::FlushResult flushed = publisher_->Flush(kPatience);
    absl::MutexLock lock(&mutex_);
    return flushed.status.ok() ? verdict_ : flushed.status;
  }

  Histogram answers() const override {
    absl::MutexLock lock(&mutex_);
    return answers_;
  }

 private:
  void Run() {
    StampedMessages messages(spec_);
    for (uint64_t i = 0; spec_.max_messages == 0 || i < spec_.max_messages; ++i) {
      const int64_t now = AwaitRoom();
      if (now == 0) return;
      const absl::Status status = publisher_->Add(messages.Next(now));
      if (!status.ok()) return Failed(status);
    }
  }

  // When the next message is sent; 0 if none is to be.
  int64_t AwaitRoom() {
    const auto can_go_on = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return stopping_ || !verdict_.ok() || sent_.size() < static_cast<size_t>(spec_.window);
    };
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&can_go_on));
    if (stopping_ || !verdict_.ok()) return 0;
    sent_.push_back(Now());
    return sent_.back();
  }

  void Answered(const nmq::BatchResult& result) {
    if (result.outcome != nmq::BatchOutcome::kAccepted) return Failed(result.status);
    const int64_t now = Now();
    absl::MutexLock lock(&mutex_);
    accepted_ += result.messages;
    for (uint64_t i = 0; i < result.messages; ++i) {
      if (sent_.front() >= record_from_) answers_.Add(now - sent_.front());
      sent_.pop_front();
    }
  }

  void Failed(const absl::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (verdict_.ok()) verdict_ = status;
  }

  void StopAdding() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
    }
    if (thread_.joinable()) thread_.join();
  }

  const PublisherSpec spec_;
  std::unique_ptr<nmq::Client> client_;
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<int64_t> sent_ ABSL_GUARDED_BY(mutex_);  // when; of messages that wait for their answer
  uint64_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t record_from_ ABSL_GUARDED_BY(mutex_) = INT64_MAX;
  Histogram answers_ ABSL_GUARDED_BY(mutex_);
  absl::Status verdict_ ABSL_GUARDED_BY(mutex_);
  // Both use what is above.
  std::unique_ptr<nmq::Publisher> publisher_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Publisher> PublishInWindow(std::unique_ptr<nmq::Client> client, const PublisherSpec& spec) {
  return std::make_unique<WindowPublisher>(std::move(client), spec);
}

}  // namespace nmq::bench
