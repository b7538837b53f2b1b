#include "tests/bench/nmq/paced_publisher.h"

#include <utility>
#include <vector>

#include "tests/bench/harness/pacer.h"
#include "tests/bench/nmq/batch_stream.h"
#include "tests/bench/nmq/poller.h"
#include "tests/bench/nmq/publish_call.h"
#include "tests/bench/nmq/publish_record.h"
#include "tests/bench/nmq/requests.h"

namespace nmq::bench {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

class PacedPublisher final : public Publisher {
 public:
  PacedPublisher(const Channels& channels, const PaceSpec& spec)
      : spec_(spec),
        requests_(spec.way == PublishWay::kUnary
                      ? Requests::Messages(spec.queue, spec.destinations, spec.payload_bytes)
                      : Requests::Batches(spec.queue, spec.destinations, spec.payload_bytes, 1)) {
    const auto on_answer = [this](const auto& accepted, int64_t sent) { record_.Answered(accepted, sent); };
    for (const auto& channel : channels) {
      if (spec.way == PublishWay::kUnary) {
        stubs_.push_back(std::make_unique<grpc::GenericStub>(channel));
      } else {
        streams_.push_back(std::make_unique<BatchStream>(
            channel, poller_.queue(), BatchStream::Callbacks{nullptr, on_answer}, BatchStream::Way::kGathered));
      }
    }
    for (const auto& stream : streams_) stream->Start();
    pacer_ = std::make_unique<Pacer>(spec.per_second, spec.max_messages, [this] { Send(); });
  }

  ~PacedPublisher() override {
    pacer_->Stop();
    for (const auto& stream : streams_) stream->Stop();
  }

  uint64_t accepted() const override { return record_.accepted(); }
  bool done() const override {
    return record_.failed() || (spec_.max_messages != 0 && accepted() >= spec_.max_messages);
  }
  void RecordAnswers() override { record_.RecordAnswers(); }
  Histogram answers() const override { return record_.answers(); }

  absl::Status Finish() override {
    pacer_->Stop();
    if (const absl::Status status = record_.AwaitAnswers(kPatience); !status.ok()) return status;
    for (const auto& stream : streams_) stream->Close();
    for (const auto& stream : streams_) {
      if (const absl::Status status = stream->AwaitEnd(kPatience); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  // On the pacer's thread.
  void Send() {
    const uint64_t number = sent_++;
    const uint64_t publishers = static_cast<uint64_t>(spec_.connections);
    const uint64_t publisher = number % publishers;
    if (!record_.Send(1)) return;
    const grpc::ByteBuffer request =
        requests_.at(number).Write({Now(), static_cast<uint16_t>(publisher), number / publishers});
    if (spec_.way == PublishWay::kStream) return streams_[publisher]->Send(request);
    CallPublish(stubs_[publisher].get(), poller_.queue(), request, [this](const absl::Status& status, int64_t sent) {
      record_.Answered(status.ok() ? absl::StatusOr<uint64_t>(1) : status, sent);
    });
  }

  const PaceSpec spec_;
  const Requests requests_;
  PublishRecord record_;
  uint64_t sent_ = 0;
  std::unique_ptr<Pacer> pacer_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::unique_ptr<BatchStream>> streams_;
  // Last, so that its thread has ended before what its tags use goes.
  Poller poller_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Publisher>> PublishRawPaced(const Endpoint& endpoint, const PaceSpec& spec) {
  absl::StatusOr<Channels> channels = OpenChannels(endpoint, spec.connections);
  if (!channels.ok()) return channels.status();
  return std::make_unique<PacedPublisher>(*channels, spec);
}

}  // namespace nmq::bench
