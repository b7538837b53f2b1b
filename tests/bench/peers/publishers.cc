#include "tests/bench/peers/publishers.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/bench/harness/histogram.h"
#include "tests/bench/harness/pacer.h"
#include "tests/bench/harness/payload.h"
#include "tests/bench/peers/message_source.h"
#include "tests/bench/peers/names.h"
#include "tests/bench/peers/outcome.h"

namespace nmq::bench {
namespace {

// How often a publisher that is ahead looks whether the subscribers have caught up.
constexpr absl::Duration kPause = absl::Milliseconds(1);
// Batches of kStream without an answer: while one is on its way, the server has the other.
constexpr size_t kStreamWindow = 2;
// The same of a paced publisher, which must not wait.
constexpr size_t kPacedWindow = 1000;

LinkSpec MakeLinkSpec(const std::string& queue, const std::vector<Destination>& destinations, int payload_bytes) {
  return {.names = NamesOf(queue, destinations),
          .payload_bytes = std::max(static_cast<size_t>(std::max(0, payload_bytes)), kStampBytes)};
}

// Waits until these many messages may be published; false if it is to stop instead.
bool AwaitAdmission(Throttle* throttle, int messages, const std::atomic<bool>& stopping) {
  while (!stopping.load(std::memory_order_relaxed)) {
    if (throttle == nullptr || throttle->Admit(static_cast<uint64_t>(messages))) return true;
    absl::SleepFor(kPause);
  }
  return false;
}

// Batches, as fast as the server takes them.
class StreamPublisher final : public Publisher {
 public:
  StreamPublisher(const PublisherSpec& spec, std::vector<MessageSource> sources)
      : spec_(spec), batch_(std::max(1, spec.batch)), sources_(std::move(sources)), thread_([this] { Run(); }) {}

  ~StreamPublisher() override { End(); }

  uint64_t accepted() const override { return outcome_.accepted(); }
  bool done() const override { return done_.load(); }

  absl::Status Finish() override {
    End();
    return outcome_.verdict();
  }

 private:
  void Run() {
    Publish();
    for (MessageSource& source : sources_) {
      if (!outcome_.failed()) outcome_.Add(source.link()->Confirm());
    }
    done_.store(true);
  }

  void Publish() {
    uint64_t published = 0;
    for (size_t turn = 0; spec_.max_messages == 0 || published < spec_.max_messages; ++turn) {
      if (!AwaitAdmission(spec_.throttle, batch_, stopping_)) return;
      MessageSource& source = sources_[turn % sources_.size()];
      if (!outcome_.Add(source.Add(batch_, Now())) || !outcome_.Add(source.link()->Send())) return;
      published += static_cast<uint64_t>(batch_);
    }
  }

  void End() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
  }

  const PublisherSpec spec_;
  const int batch_;
  Outcome outcome_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> done_{false};
  std::vector<MessageSource> sources_;
  std::thread thread_;
};

// Callers that publish the next message when they have the answer to the one before.
class UnaryPublisher final : public Publisher {
 public:
  UnaryPublisher(const PublisherSpec& spec, std::vector<MessageSource> sources)
      : spec_(spec), batch_(std::max(1, spec.batch)), sources_(std::move(sources)), answers_(sources_.size()) {
    running_.store(sources_.size());
    for (size_t i = 0; i < sources_.size(); ++i) threads_.emplace_back([this, i] { Call(i); });
  }

  ~UnaryPublisher() override { End(); }

  uint64_t accepted() const override { return outcome_.accepted(); }
  bool done() const override { return outcome_.failed() || running_.load() == 0; }
  void RecordAnswers() override { recording_.store(true); }

  absl::Status Finish() override {
    End();
    return outcome_.verdict();
  }

  Histogram answers() const override {
    Histogram all;
    for (const Histogram& answers : answers_) all.Merge(answers);
    return all;
  }

 private:
  void Call(size_t caller) {
    while (!outcome_.failed() && AwaitAdmission(spec_.throttle, batch_, stopping_)) {
      if (spec_.max_messages != 0 && published_.fetch_add(static_cast<uint64_t>(batch_)) >= spec_.max_messages) break;
      const bool record = recording_.load(std::memory_order_relaxed);
      const int64_t start = Now();
      MessageSource& source = sources_[caller];
      if (!outcome_.Add(source.Add(batch_, start)) || !outcome_.Add(source.link()->Send()) ||
          !outcome_.Add(source.link()->Confirm())) {
        break;
      }
      if (record) answers_[caller].Add(Now() - start);
    }
    running_.fetch_sub(1);
  }

  void End() {
    stopping_.store(true);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  const PublisherSpec spec_;
  const int batch_;
  Outcome outcome_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> recording_{false};
  std::atomic<size_t> running_{0};
  std::atomic<uint64_t> published_{0};
  std::vector<MessageSource> sources_;
  // Of each caller.
  std::vector<Histogram> answers_;
  std::vector<std::thread> threads_;
};

// One message at a time, at an even pace.
class PacedPublisher final : public Publisher {
 public:
  PacedPublisher(const PaceSpec& spec, std::vector<MessageSource> sources)
      : spec_(spec),
        sources_(std::move(sources)),
        pacer_(std::max(1, spec.per_second), spec.max_messages, [this] { Send(); }) {}

  ~PacedPublisher() override { pacer_.Stop(); }

  uint64_t accepted() const override { return outcome_.accepted(); }

  bool done() const override {
    return outcome_.failed() || (spec_.max_messages != 0 && outcome_.accepted() >= spec_.max_messages);
  }

  void RecordAnswers() override { recording_.store(true); }

  absl::Status Finish() override {
    pacer_.Stop();
    ConfirmAll();
    return outcome_.verdict();
  }

  Histogram answers() const override { return answers_; }

 private:
  void Send() {
    if (outcome_.failed()) return;
    MessageSource& source = sources_[sent_ % sources_.size()];
    const bool record = recording_.load(std::memory_order_relaxed);
    const int64_t start = Now();
    if (!outcome_.Add(source.Add(1, start)) || !outcome_.Add(source.link()->Send())) return;
    if (spec_.way == PublishWay::kUnary) {
      if (!outcome_.Add(source.link()->Confirm())) return;
      if (record) answers_.Add(Now() - start);
    }
    if (++sent_ == spec_.max_messages) ConfirmAll();
  }

  void ConfirmAll() {
    for (MessageSource& source : sources_) {
      if (!outcome_.failed()) outcome_.Add(source.link()->Confirm());
    }
  }

  const PaceSpec spec_;
  Outcome outcome_;
  std::atomic<bool> recording_{false};
  std::vector<MessageSource> sources_;
  uint64_t sent_ = 0;
  Histogram answers_;
  Pacer pacer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> StartPublisher(const PublisherSpec& spec, const LinkOpener& open) {
  LinkSpec links = MakeLinkSpec(spec.queue, spec.destinations, spec.payload_bytes);
  const bool unary = spec.way == PublishWay::kUnary;
  if (!unary) links.window = std::min(kStreamWindow, static_cast<size_t>(std::max(1, spec.window)));
  const int publishers = std::max(1, spec.connections) * (unary ? std::max(1, spec.window) : 1);
  absl::StatusOr<std::vector<MessageSource>> sources = OpenSources(links, publishers, open);
  if (!sources.ok()) return sources.status();
  if (unary) return std::make_unique<UnaryPublisher>(spec, *std::move(sources));
  return std::make_unique<StreamPublisher>(spec, *std::move(sources));
}

absl::StatusOr<std::unique_ptr<Publisher>> StartPacedPublisher(const PaceSpec& spec, const LinkOpener& open) {
  LinkSpec links = MakeLinkSpec(spec.queue, spec.destinations, spec.payload_bytes);
  links.window = kPacedWindow;
  links.at_once = true;
  absl::StatusOr<std::vector<MessageSource>> sources = OpenSources(links, spec.connections, open);
  if (!sources.ok()) return sources.status();
  return std::make_unique<PacedPublisher>(spec, *std::move(sources));
}

}  // namespace nmq::bench
