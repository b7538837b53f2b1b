#include "tests/bench/nmq/eager_publisher.h"

#include <grpcpp/alarm.h>

#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "tests/bench/nmq/batch_stream.h"
#include "tests/bench/nmq/poller.h"
#include "tests/bench/nmq/publish_call.h"
#include "tests/bench/nmq/publish_record.h"
#include "tests/bench/nmq/requests.h"

namespace nmq::bench {
namespace {

// How often a pausing publisher looks whether the subscribers have caught up.
constexpr std::chrono::milliseconds kPause(1);
constexpr absl::Duration kPatience = absl::Seconds(20);

// What both ways share: when to go on and when to stop.
class EagerPublisher : public Publisher {
 public:
  EagerPublisher(const PublisherSpec& spec, Requests requests) : spec_(spec), requests_(std::move(requests)) {}

  uint64_t accepted() const override { return record_.accepted(); }
  bool done() const override {
    return record_.failed() || (spec_.max_messages != 0 && accepted() >= spec_.max_messages);
  }
  void RecordAnswers() override { record_.RecordAnswers(); }
  Histogram answers() const override { return record_.answers(); }

 protected:
  enum class Next { kSend, kWait, kStop };

  // What to do about the next batch. On the poller's thread.
  Next Decide(uint64_t messages) {
    if (spec_.max_messages != 0 && record_.sent() >= spec_.max_messages) return Next::kStop;
    if (spec_.throttle != nullptr && !spec_.throttle->Admit(messages)) {
      return record_.stopped() ? Next::kStop : Next::kWait;
    }
    return record_.Send(messages) ? Next::kSend : Next::kStop;
  }

  const PublisherSpec spec_;
  const Requests requests_;
  PublishRecord record_;
};

class EagerStreams final : public EagerPublisher {
 public:
  EagerStreams(const Channels& channels, const PublisherSpec& spec)
      : EagerPublisher(spec, Requests::Batches(spec.queue, spec.destinations, spec.payload_bytes, spec.batch)) {
    for (int i = 0; i < spec.connections; ++i) lanes_.push_back(std::make_unique<Lane>(this, i));
    for (int i = 0; i < spec.connections; ++i) lanes_[i]->Open(channels[i]);
  }

  ~EagerStreams() override {
    for (const auto& lane : lanes_) lane->stream->Stop();
  }

  absl::Status Finish() override {
    record_.Stop();
    for (const auto& lane : lanes_) {
      if (const absl::Status status = lane->stream->AwaitEnd(kPatience); !status.ok()) return status;
    }
    return record_.verdict();
  }

 private:
  // One publisher. All of it runs on the poller's thread.
  struct Lane {
    Lane(EagerStreams* the_owner, int the_number)
        : owner(the_owner),
          number(the_number),
          position(the_owner->requests_.FirstOf(the_number, the_owner->spec_.connections)) {}

    void Open(const std::shared_ptr<grpc::Channel>& channel) {
      stream = std::make_unique<BatchStream>(channel, owner->poller_.queue(),
                                             BatchStream::Callbacks{[this] { Fill(); },
                                                                    [this](const auto& accepted, int64_t sent) {
                                                                      --unanswered;
                                                                      owner->record_.Answered(accepted, sent);
                                                                      Fill();
                                                                    }});
      stream->Start();
    }

    void Fill() {
      while (!pausing && unanswered < owner->spec_.window) {
        const StampedTemplate& batch = owner->requests_.at(position);
        const Next next = owner->Decide(batch.messages());
        if (next == Next::kStop) return stream->Close();
        if (next == Next::kWait) return Pause();
        ++position;
        ++unanswered;
        stream->Send(batch.Write({Now(), static_cast<uint16_t>(number), next_number}));
        next_number += batch.messages();
      }
    }

    void Pause() {
      pausing = true;
      alarm.Set(owner->poller_.queue(), std::chrono::system_clock::now() + kPause, &on_pause);
    }

    void OnPause(bool) {
      pausing = false;
      Fill();
    }

    EagerStreams* const owner;
    const int number;
    uint64_t position;
    uint64_t next_number = 0;
    int unanswered = 0;
    bool pausing = false;
    MemberTag<Lane, &Lane::OnPause> on_pause{this};
    grpc::Alarm alarm;
    std::unique_ptr<BatchStream> stream;
  };

  std::vector<std::unique_ptr<Lane>> lanes_;
  // Last, so that its thread has ended before what its tags use goes.
  Poller poller_;
};

// `window` callers, each of which waits for its answer.
class EagerCalls final : public EagerPublisher {
 public:
  EagerCalls(const Channels& channels, const PublisherSpec& spec)
      : EagerPublisher(spec, Requests::Messages(spec.queue, spec.destinations, spec.payload_bytes)) {
    for (int i = 0; i < spec.connections; ++i) {
      stubs_.push_back(std::make_unique<grpc::GenericStub>(channels[i]));
      for (int caller = 0; caller < spec.window; ++caller) Call(i);
    }
  }

  ~EagerCalls() override { Finish().IgnoreError(); }

  absl::Status Finish() override {
    record_.Stop();
    return record_.AwaitAnswers(kPatience);
  }

 private:
  void Call(int connection) {
    if (Decide(1) != Next::kSend) return;
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    CallPublish(stubs_[connection].get(), poller_.queue(), requests_.at(number).Write({Now(), 0, number}),
                [this, connection](const absl::Status& status, int64_t sent) {
                  record_.Answered(status.ok() ? absl::StatusOr<uint64_t>(1) : status, sent);
                  Call(connection);
                });
  }

  std::atomic<uint64_t> next_{0};
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  Poller poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> PublishRaw(const Endpoint& endpoint, const PublisherSpec& spec) {
  if (spec.way == PublishWay::kUnary && spec.throttle != nullptr) {
    return absl::UnimplementedError("callers that wait for their answers take no throttle");
  }
  absl::StatusOr<Channels> channels = OpenChannels(endpoint, spec.connections);
  if (!channels.ok()) return channels.status();
  if (spec.way == PublishWay::kUnary) return std::make_unique<EagerCalls>(*channels, spec);
  return std::make_unique<EagerStreams>(*channels, spec);
}

}  // namespace nmq::bench
